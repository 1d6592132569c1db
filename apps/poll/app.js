// The server has the question and counts the votes (P2A): the application opens a channel to it.

const state = document.querySelector('#state');
const ballot = document.querySelector('#ballot');
const answers = document.querySelector('#answers');
const result = document.querySelector('#result');
const button = ballot.querySelector('button');

const channel = new RTCPeerConnection().createDataChannel('poll', { endpoint: 'server' });
/** The server's words for the answers. */
let words = [];

channel.addEventListener('message', ({ data }) => {
  const message = parsed(data);
  if (message.type === 'question' && Array.isArray(message.answers)) ask(message);
  if (Array.isArray(message.votes)) count(message.votes);
});
channel.addEventListener('close', () => {
  answers.disabled = true;
  button.disabled = true;
  state.textContent = 'The poll is closed.';
});

function ask({ question, answers: given, voted }) {
  document.querySelector('#question').textContent = String(question);
  words = given.slice(0, 10).map(String);
  const labels = words.map((text, index) => {
    const input = document.createElement('input');
    Object.assign(input, { type: 'radio', name: 'answer', value: String(index), required: true });
    const label = document.createElement('label');
    label.append(input, text);
    return label;
  });
  answers.replaceChildren(answers.querySelector('legend'), ...labels);
  allow(voted !== true);
  state.textContent = voted === true ? 'You have voted.' : '';
}

ballot.addEventListener('submit', (event) => {
  event.preventDefault();
  if (channel.readyState !== 'open') return;
  channel.send(JSON.stringify({ type: 'vote', answer: Number(ballot.elements.answer.value) }));
  allow(false);
  state.textContent = 'Thank you for your vote.';
});

function allow(may) {
  answers.disabled = !may;
  button.disabled = !may;
}

function count(votes) {
  const numbers = words.map((_, index) => Math.max(0, Number(votes[index]) || 0));
  const all = Math.max(1, numbers.reduce((sum, each) => sum + each, 0));
  result.hidden = false;
  document.querySelector('#votes').replaceChildren(...words.flatMap((text, index) => {
    const term = document.createElement('dt');
    term.textContent = text;
    const bar = document.createElement('dd');
    const meter = document.createElement('meter');
    Object.assign(meter, { max: all, value: numbers[index] });
    meter.setAttribute('aria-label', text);
    bar.append(meter);
    const figure = document.createElement('dd');
    figure.textContent = `${numbers[index]} (${Math.round((100 * numbers[index]) / all)} %)`;
    return [term, bar, figure];
  }));
}

function parsed(data) {
  try {
    return Object(JSON.parse(data));
  } catch {
    return {};
  }
}
