// The enabler's page: what there is now, asked for anew as soon as something is another.

/** @typedef {{ id: string, provider: string, name: string | null, version: string | null, package: number | null, changed: number }} Application */
/** @typedef {{ id: string, service: string, calling: string | null, called: string | null, media: string[], state: string, channels: { application: string, state: string }[] }} Session */
/** @typedef {{ target: string, tries: number, sessions: number, downForSeconds: number, nextInSeconds: number }} Target */
/** @typedef {{ number: number, at: number, target: string, outcome: string, body: string | null }} Sent */
/** @typedef {{ version: number, now: number, applicationCount: number, applications: Application[], sessionCount: number, sessions: Session[], notifications: Record<string, number>, targets: Target[], sent: Sent[] }} State */

/** How soon it is asked again when nobody answers. */
const AGAIN = 1_000;

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.querySelector(`#${id}`));

const FIGURES = [
  ['pending', 'waiting'],
  ['delivered', 'delivered'],
  ['refused', 'refused'],
  ['deliveries_failed', 'tries without success'],
  ['too_old', 'given up'],
  ['forbidden', 'not allowed'],
];

/** @param {number} seconds since 1970 */
const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

/** @param {number} seconds */
const span = (seconds) => (seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`);

/** @param {number | null} bytes */
const size = (bytes) => (bytes === null ? '–' : bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`);

/** @param {string | Node | null} content @param {string} [className] */
function cell(content, className) {
  const element = document.createElement('td');
  element.append(content ?? '–');
  if (className) element.className = className;
  return element;
}

/** @param {Node[]} cells */
function row(...cells) {
  const element = document.createElement('tr');
  element.append(...cells);
  return element;
}

/**
 * Puts rows into a table, when they are not those that are there: who reads or selects there is left in peace.
 * @param {string} id @param {HTMLElement[]} rows
 */
function fill(id, rows) {
  const body = find(id);
  const same = rows.length === body.childElementCount && rows.every((each, at) => each.isEqualNode(body.children[at]));
  if (!same) body.replaceChildren(...rows);
  const none = document.querySelector(`#no-${id}`);
  if (none instanceof HTMLElement) none.hidden = rows.length > 0;
  const table = body.closest('.wide');
  if (table instanceof HTMLElement) table.hidden = rows.length === 0;
}

/** @param {Target[]} targets */
function showTargets(targets) {
  const body = find('targets');
  find('down').hidden = targets.length === 0;
  const known = new Map([...body.children].map((each) => [/** @type {HTMLElement} */ (each).dataset.target, each]));
  for (const [at, target] of targets.entries()) {
    // A row with a button stays where it is, for whoever is about to press it.
    let element = /** @type {HTMLElement | undefined} */ (known.get(target.target));
    known.delete(target.target);
    if (!element) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = 'Try now';
      button.setAttribute('aria-label', `Try ${target.target} now`);
      button.addEventListener('click', () => release(target.target));
      element = row(cell(target.target, 'long'), cell(''), cell(''), cell(''), cell(''), cell(button));
      element.dataset.target = target.target;
    }
    const said = [span(target.downForSeconds), target.tries, target.sessions, target.nextInSeconds > 0 ? `in ${span(target.nextInSeconds)}` : 'now'];
    for (const [index, text] of said.entries()) element.children[index + 1].textContent = String(text);
    if (body.children[at] !== element) body.insertBefore(element, body.children[at] ?? null);
  }
  for (const gone of known.values()) gone.remove();
}

/** @param {string} target */
async function release(target) {
  try {
    const answer = await fetch(`/enabler/release?${new URLSearchParams({ target })}`, { method: 'PUT' });
    say(answer.ok ? `${target} is tried now.` : `${target} answers again.`);
  } catch {
    say('The enabler does not answer.', true);
  }
}

/** @param {string} text @param {boolean} [lost] */
function say(text, lost = false) {
  const state = find('state');
  if (state.textContent !== text) state.textContent = text;
  state.dataset.lost = String(lost);
}

/** @param {State} state */
function show(state) {
  const figures = FIGURES.map(([name, words]) => {
    const [group, term, value] = ['div', 'dt', 'dd'].map((each) => document.createElement(each));
    term.textContent = words;
    value.textContent = String(state.notifications[name] ?? 0);
    group.append(term, value);
    return group;
  });
  find('figures').replaceChildren(...figures);
  showTargets(state.targets);
  find('session-count').textContent = state.sessionCount ? String(state.sessionCount) : '';
  fill('sessions', state.sessions.map((each) => row(
    cell(`${each.id} (${each.service.replace('MMTel_', '')})`, 'long'),
    cell(each.calling ?? 'the application'),
    cell(each.called),
    cell(each.media.join(', '), 'tight'),
    cell(each.channels.map(({ application, state: channel }) => `${application}: ${channel}`).join(', ') || null),
    cell(each.state, 'tight'),
  )));
  fill('sent', state.sent.map((each) => row(
    cell(time(each.at), 'tight'),
    cell(each.target, 'long'),
    cell(each.outcome, each.outcome.startsWith('2') ? 'tight' : 'tight bad'),
    cell(each.body, 'long'),
  )));
  find('application-count').textContent = state.applicationCount ? String(state.applicationCount) : '';
  fill('applications', state.applications.map((each) => row(
    cell(each.name ?? 'without a name'),
    cell(each.version),
    cell(each.provider),
    cell(size(each.package)),
    cell(new Date(each.changed * 1000).toLocaleString()),
    cell(each.id),
  )));
}

async function follow() {
  /** @type {number | null} */
  let version = null;
  for (;;) {
    try {
      const answer = await fetch(`/enabler/state${version === null ? '' : `?after=${version}`}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const state = /** @type {State} */ (await answer.json());
      if (version === null) say('Live.');
      version = state.version;
      show(state);
    } catch {
      version = null;
      say('The enabler does not answer.', true);
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}

follow();
