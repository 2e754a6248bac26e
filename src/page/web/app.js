import { Charts } from './charts.js';
import { Console } from './console.js';
import { onceAFrame } from './frames.js';
import { html } from './html.js';
import { BridgeMap } from './map.js';
import { OpenedRequest } from './request.js';
import { after, EVENT_NAMES, emptyStore, stateOf } from './store.js';
import { Certificates, Fleets, Others, Refusals } from './tables.js';
import { Trail } from './trail.js';
import { render } from './vendor/preact.js';
import { span } from './words.js';

let store = emptyStore();
/** What this page's user has chosen. */
let view = { filter: '', open: undefined, held: undefined };
/** Ingresses by which it can ask; they are those of when it was opened, and so is what the browser lets it connect to. */
let consoles = [];

const Head = ({ status }) => html`
  <header>
    <h1>mcbridge</h1>
    <p>
      ${status.identity}, cluster ${status.cluster}, instance ${status.instance}, version ${status.version}, up for ${span(status.uptime)}
    </p>
    <p class=${`health ${status.health.ready ? 'good' : 'bad'}`} role="status">
      ${status.health.ready ? 'ready' : `${status.health.phase}, not ready`}
    </p>
  </header>
`;

const Lost = () => html`<p class="lost" role="alert">The bridge does not answer; what is shown is old.</p>`;

const change = (to) => {
  view = { ...view, ...to };
  draw();
};

/** Back to the line that it was opened by. */
const close = () => {
  const opener = document.querySelector('button[aria-expanded="true"]');
  change({ open: undefined });
  opener?.focus();
};

const Page = () => {
  const state = stateOf(store);
  if (state === undefined)
    return html`<main><h1>mcbridge</h1><p role="status">Waiting for the bridge …</p></main>`;
  const lines = view.held ?? [...store.trail.values()];
  return html`
    <${Head} status=${state.status} />
    <main>
      ${!store.isConnected && html`<${Lost} />`}
      <${BridgeMap} store=${store} />
      <${Certificates} certificates=${state.status.certificates} now=${state.status.time} />
      <${Trail} lines=${lines} missed=${store.missed} view=${view} change=${change} />
      ${view.open !== undefined && html`<${OpenedRequest} key=${view.open} id=${view.open} line=${store.trail.get(view.open)} onClose=${close} />`}
      <${Console} consoles=${consoles} />
      <${Refusals} refusals=${state.status.refusals} />
      <${Charts} samples=${store.samples} />
      <${Fleets} fleets=${state.fleets} />
      <${Others} others=${state.others} now=${state.status.time} />
    </main>
  `;
};

const draw = onceAFrame(() => render(html`<${Page} />`, document.getElementById('page')));

const take = (next) => {
  store = next;
  draw();
};

addEventListener('keydown', ({ key }) => {
  if (key === 'Escape' && view.open !== undefined) close();
});

const source = new EventSource('events');
source.onopen = () => take({ ...store, isConnected: true });
// The browser tries again by itself, and tells what it has seen last.
source.onerror = () => take({ ...store, isConnected: false });
for (const name of EVENT_NAMES)
  source.addEventListener(name, ({ data }) => take(after(store, name, JSON.parse(data))));

document.getElementById('page').textContent = '';
draw();

const askConsoles = async () => {
  try {
    const response = await fetch('consoles');
    if (response.ok) consoles = await response.json();
    draw();
  } catch {
    // That the bridge does not answer is said where the events end.
  }
};
void askConsoles();
