import { receive, send } from './transfer.js';
import { Row } from './row.js';

// A channel for each file: the other party sees its name and size, takes it or not, and both see how far it has come.

const connection = new RTCPeerConnection();
const choose = document.querySelector('#choose');
const drop = document.querySelector('#drop');

connection.addEventListener('datachannel', ({ channel }) => receive(channel, new Row(channel.label)));
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

function sendAll(files) {
  for (const file of files) {
    const channel = connection.createDataChannel('file', { protocol: 'isthmus-file-drop' });
    void send(channel, file, new Row(file.name));
  }
}
