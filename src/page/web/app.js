import { ask, heldToken, holdToken } from './asking.js';
import { Charts } from './charts.js';
import { Console } from './console.js';
import { onceAFrame } from './frames.js';
import { html } from './html.js';
import { PageLogin } from './login.js';
import { BridgeMap } from './map.js';
import { OpenedRequest } from './request.js';
import { after, emptyStore, stateOf } from './store.js';
import { follow } from './stream.js';
import { Certificates, Fleets, Others, Refusals } from './tables.js';
import { Trail } from './trail.js';
import { render } from './vendor/preact.js';
import { span } from './words.js';

let store = emptyStore();
/** What this page's user has chosen. */
const NOTHING_CHOSEN = { filter: '', open: undefined, held: undefined };
let view = NOTHING_CHOSEN;
/** Why who looks at it is not known, or may not see it; undefined where he may. */
let refusal;
/** Ingresses by which it can ask; they are those of when it was opened, and so is what the browser lets it connect to. */
let consoles;

const Head = ({ status }) => html`
  <header>
    <h1>mcbridge</h1>
    <p>
      ${status.identity}, cluster ${status.cluster}, instance ${status.instance}, version ${status.version}, up for ${span(status.uptime)}
    </p>
    <p class=${`health ${status.health.ready ? 'good' : 'bad'}`} role="status">
      ${status.health.ready ? 'ready' : `${status.health.phase}, not ready`}
    </p>
    ${heldToken() !== '' && html`<button type="button" onClick=${() => leave()}>Leave</button>`}
  </header>
`;

const Lost = ({ problem }) =>
  html`<p class="lost" role="alert">${problem ?? 'The bridge does not answer'}; what is shown is old.</p>`;

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
  if (refusal !== undefined) return html`<${PageLogin} problem=${refusal} onToken=${enter} />`;
  const state = stateOf(store);
  if (state === undefined)
    return html`<main><h1>mcbridge</h1><p role="status">${store.problem ?? 'Waiting for the bridge …'}</p></main>`;
  const lines = view.held ?? [...store.trail.values()];
  return html`
    <${Head} status=${state.status} />
    <main>
      ${!store.isConnected && html`<${Lost} problem=${store.problem} />`}
      <${BridgeMap} store=${store} />
      <${Certificates} certificates=${state.status.certificates} now=${state.status.time} />
      <${Trail} lines=${lines} missed=${store.missed} view=${view} change=${change} />
      ${view.open !== undefined && html`<${OpenedRequest} key=${view.open} id=${view.open} line=${store.trail.get(view.open)} onClose=${close} />`}
      <${Console} consoles=${consoles ?? []} />
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

const askConsoles = async () => {
  try {
    const response = await ask('consoles');
    if (response.ok) consoles ??= await response.json();
    draw();
  } catch {
    // That the bridge does not answer is said where the events end.
  }
};

let stop;

/** What somebody may not see any more is not left on the screen, nor in memory. */
const leave = (why = '') => {
  stop?.();
  holdToken('');
  refusal = why;
  view = NOTHING_CHOSEN;
  take(emptyStore());
};

/** @param token empty where a certificate or a proxy says who it is */
const enter = (token = '') => {
  holdToken(token);
  refusal = undefined;
  stop = follow({
    opened: () => {
      take({ ...store, isConnected: true, problem: undefined });
      if (consoles === undefined) void askConsoles();
    },
    told: (name, data) => take(after(store, name, data)),
    lost: (problem) => take({ ...store, isConnected: false, problem }),
    refused: leave,
  });
  draw();
};

document.getElementById('page').textContent = '';
enter();
