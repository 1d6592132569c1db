import { Board } from './board.js';
import { Peer } from './peer.js';

// What one draws, both see. A stroke travels in pieces while it is drawn; who comes later gets all there is.

const COLORS = { Black: '#111827', Red: '#c81e1e', Blue: '#1d4ed8', Green: '#15803d' };

const tools = document.querySelector('#tools');
const state = document.querySelector('#state');
const board = new Board(document.querySelector('#board'));
const peer = new Peer();

for (const [name, color] of Object.entries(COLORS)) {
  const input = document.createElement('input');
  Object.assign(input, { type: 'radio', name: 'color', value: color, title: name, checked: name === 'Black' });
  input.setAttribute('aria-label', name);
  input.style.setProperty('--color', color);
  document.querySelector('#colors').append(input);
}

board.style = () => ({ color: tools.elements.color.value, width: Number(tools.elements.width.value) });
board.addEventListener('drawn', ({ detail }) => peer.send({ type: 'stroke', ...detail }));
document.querySelector('#clear').addEventListener('click', () => {
  board.clear();
  peer.send({ type: 'clear' });
});

peer.addEventListener('open', () => {
  state.textContent = 'Both of you see this board.';
  if (board.strokes.length > 0) peer.send({ type: 'all', strokes: board.strokes });
});
peer.addEventListener('close', ({ detail: { wasOpen } }) => {
  state.textContent = wasOpen ? 'The other party has left the board.' : 'You have this board for yourself: the other party did not open it.';
});
peer.addEventListener('message', ({ detail }) => {
  if (detail.type === 'stroke') board.add(detail);
  else if (detail.type === 'all' && Array.isArray(detail.strokes)) for (const stroke of detail.strokes) board.add(stroke);
  else if (detail.type === 'clear') board.clear();
});
