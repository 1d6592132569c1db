// The application server asks, the person chooses. The server opens the channel (A2P); a key of the number chooses too.

const title = document.querySelector('#title');
const text = document.querySelector('#text');
const choices = document.querySelector('#choices');

const connection = new RTCPeerConnection();
connection.addEventListener('datachannel', ({ channel }) => {
  // A menu is the server's: the other party has none to offer.
  if (channel.endpoint === 'server') use(channel);
  else channel.close();
});

function use(channel) {
  channel.addEventListener('message', ({ data }) => {
    const message = parsed(data);
    if (message.type === 'menu') show(message, (id) => channel.send(JSON.stringify({ type: 'choice', id })));
    else if (message.type === 'end') over(message.text);
  });
  channel.addEventListener('close', () => over());
}

function show(menu, choose) {
  title.textContent = String(menu.title ?? 'Menu');
  text.textContent = String(menu.text ?? '');
  const entries = Array.isArray(menu.choices) ? menu.choices.slice(0, 12) : [];
  choices.replaceChildren(...entries.map((entry, index) => {
    const button = document.createElement('button');
    const key = document.createElement('kbd');
    key.textContent = String(index + 1);
    button.append(key, ` ${String(entry.text)}`);
    button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => {
      for (const other of choices.querySelectorAll('button')) other.disabled = true;
      button.setAttribute('aria-pressed', 'true');
      choose(String(entry.id));
    });
    const item = document.createElement('li');
    item.append(button);
    return item;
  }));
  title.focus();
}

function over(words = 'Thank you.') {
  if (choices.childElementCount === 0 && title.dataset.over) return;
  title.dataset.over = 'true';
  text.textContent = String(words);
  choices.replaceChildren();
}

addEventListener('keydown', ({ key }) => choices.querySelectorAll('button')[Number(key) - 1]?.click());

function parsed(data) {
  try {
    return Object(JSON.parse(data));
  } catch {
    return {};
  }
}
