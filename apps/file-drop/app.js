import { receive, send } from './transfer.js';
import { Row } from './row.js';

// A channel for each file: the other party sees its name and size, takes it or not, and both see how far it has come. Another
// channel is there for as long as both have this open: by it each page knows that the other party is there.

const PRESENCE = 'isthmus-file-drop-presence';

const connection = new RTCPeerConnection();
let presence = null;
const choose = document.querySelector('#choose');
const drop = document.querySelector('#drop');

connection.addEventListener('datachannel', ({ channel }) => {
  if (channel.protocol === PRESENCE) keep(channel);
  else receive(channel, new Row(channel.label));
});
if (application.launchedBy === 'local') meet();
choose.addEventListener('change', () => {
  sendAll(choose.files);
  choose.value = '';
});
for (const type of ['dragover', 'dragleave', 'drop']) {
  drop.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.toggle('over', type === 'dragover');
    if (type === 'drop') sendAll(event.dataTransfer.files);
  });
}

function meet() {
  if (presence === null) keep(connection.createDataChannel('presence', { protocol: PRESENCE }));
}

function keep(channel) {
  presence = channel;
  channel.addEventListener('close', () => {
    if (presence === channel) presence = null;
  });
}

function sendAll(files) {
  if (files.length > 0) meet();
  for (const file of files) {
    const channel = connection.createDataChannel('file', { protocol: 'isthmus-file-drop' });
    void send(channel, file, new Row(file.name));
  }
}
