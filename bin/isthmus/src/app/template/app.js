// One data channel to the other party of the call. Who opened the application opens the channel; the other
// side of it comes to the other party as an event. docs/applications.md says what else there is.

const state = document.querySelector('#state');
const said = document.querySelector('#said');
const form = document.querySelector('#say');
const words = form.elements.words;

const connection = new RTCPeerConnection();
connection.addEventListener('datachannel', ({ channel }) => use(channel));
if (application.launchedBy === 'local') use(connection.createDataChannel('words'));

function use(channel) {
  let wasOpen = false;
  const usable = (open) => {
    for (const element of form.elements) element.disabled = !open;
    if (open) state.textContent = 'Connected.';
    else state.textContent = wasOpen ? 'The other party has left.' : 'The other party did not open it.';
    wasOpen = open;
    if (open) words.focus();
  };
  channel.addEventListener('open', () => usable(true));
  channel.addEventListener('close', () => usable(false));
  channel.addEventListener('message', ({ data }) => show('The other party', data));
  if (channel.readyState === 'open') usable(true);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (words.value === '' || channel.readyState !== 'open') return;
    channel.send(words.value);
    show('You', words.value);
    words.value = '';
  });
}

function show(who, text) {
  const line = document.createElement('li');
  line.textContent = `${who}: ${text}`;
  said.append(line);
  line.scrollIntoView();
}
