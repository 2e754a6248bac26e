import { html } from './html.js';
import { rateOf, stateOf } from './store.js';
import { ms, short } from './words.js';

const BOX = { width: 210, height: 58, gap: 22 };
const WIDTH = 900;
/** Other instances that are drawn; the table below has all. */
const MOST_OTHERS = 4;
const MIDDLE = (WIDTH - BOX.width) / 2;

const topOf = (index, count, rows) => ((rows - count) / 2 + index) * (BOX.height + BOX.gap) + BOX.gap / 2;

const problemOf = ({ status }, { name, side }) =>
  status.health.troubles.find((it) => it.name === name && it.side === side);

const Box = ({ x, y, title, note, state }) => html`
  <g class=${`box ${state}`} transform=${`translate(${x} ${y})`}>
    <rect width=${BOX.width} height=${BOX.height} rx="8" />
    <text x="14" y="24" class="name">${title}</text>
    <text x="14" y="44" class="note">${note}</text>
  </g>
`;

const Edge = ({ from, to, state, label }) => html`
  <g class=${`edge ${state}`}>
    <path d=${`M${from.x} ${from.y}C${(from.x + to.x) / 2} ${from.y} ${(from.x + to.x) / 2} ${to.y} ${to.x} ${to.y}`} />
    <text x=${(from.x + to.x) / 2} y=${(from.y + to.y) / 2 - 6}>${label}</text>
  </g>
`;

const Ends = ({ store, links, x, edgeX, middle, rows }) =>
  links.map((link, index) => {
    const problem = problemOf(stateOf(store), link);
    const y = topOf(index, links.length, rows);
    const state = problem === undefined ? 'up' : 'down';
    const end = { x: x === 0 ? BOX.width : x, y: y + BOX.height / 2 };
    return html`
      <${Edge} from=${end} to=${{ x: edgeX, y: middle }} state=${state} label=${`${short(rateOf(store, link))}/s`} />
      <${Box} x=${x} y=${y} title=${link.name} note=${problem?.problem ?? link.server ?? 'connected'} state=${state} />
    `;
  });

const Picture = ({ store }) => {
  const { status, others } = stateOf(store);
  const ingresses = status.links.filter(({ name }) => status.routes.some(({ from }) => from === name));
  const egresses = status.links.filter((link) => !ingresses.includes(link));
  const shown = others.slice(0, MOST_OTHERS);
  const rows = Math.max(1 + 2 * shown.length, ingresses.length, egresses.length);
  const height = rows * (BOX.height + BOX.gap);
  const middle = height / 2;
  const down = status.health.troubles.length;
  const label = `${ingresses.length} ingresses, ${egresses.length} egresses, ${down === 0 ? 'all is well' : `${down} in trouble`}`;
  return html`
    <svg class="map" viewBox=${`0 0 ${WIDTH} ${height}`} role="img" aria-label=${label}>
      <${Ends} store=${store} links=${ingresses} x=${0} edgeX=${MIDDLE} middle=${middle} rows=${rows} />
      <${Ends} store=${store} links=${egresses} x=${WIDTH - BOX.width} edgeX=${MIDDLE + BOX.width} middle=${middle} rows=${rows} />
      <${Box}
        x=${MIDDLE}
        y=${middle - BOX.height / 2}
        title=${`${status.cluster}:${status.instance}`}
        note=${`${status.in_flight} in flight`}
        state=${status.health.ready ? 'up' : 'down'}
      />
      ${shown.map(
        (other, index) => html`
          <${Box}
            key=${other.instance}
            x=${MIDDLE}
            y=${middle + BOX.height / 2 + BOX.gap + index * (BOX.height + BOX.gap)}
            title=${`${status.cluster}:${other.instance}`}
            note="another instance"
            state=${`other ${otherState(other)}`}
          />
        `,
      )}
    </svg>
  `;
};

const otherState = ({ said }) => (said?.status === 'OK' ? 'up' : 'down');

const Troubles = ({ troubles }) => html`
  <ul class="troubles" aria-live="polite">
    ${troubles.map(({ name, problem, reason }) => html`<li><strong>${name}</strong> ${problem}: ${reason}</li>`)}
  </ul>
`;

const Routes = ({ status, latencies }) => html`
  <table>
    <caption>Routes</caption>
    <thead>
      <tr>
        <th scope="col">From</th>
        <th scope="col">To</th>
        <th scope="col">Collectives</th>
        <th scope="col" class="number">Requests</th>
        <th scope="col" class="number">Replies</th>
        <th scope="col" class="number">In flight</th>
        <th scope="col" class="number">Median</th>
        <th scope="col" class="number">99 %</th>
      </tr>
    </thead>
    <tbody>
      ${status.routes.map((route) => {
        const latency = latencies.find((it) => it.route === route.name);
        return html`
          <tr key=${route.name}>
            <td>${route.from}</td>
            <td>${route.to}</td>
            <td>${route.collectives.join(', ')}</td>
            <td class="number">${route.requests.received}</td>
            <td class="number">${route.replies.sent}</td>
            <td class="number">${route.in_flight}</td>
            <td class="number">${ms(latency?.median)}</td>
            <td class="number">${ms(latency?.p99)}</td>
          </tr>
        `;
      })}
    </tbody>
  </table>
`;

/** Where requests come in, where they go out, and what is wrong with it. */
export const BridgeMap = ({ store }) => {
  const { status, latencies } = stateOf(store);
  return html`
    <section aria-labelledby="map-title">
      <h2 id="map-title">Map</h2>
      <${Picture} store=${store} />
      <${Troubles} troubles=${status.health.troubles} />
      <div class="wide" tabindex="0" role="region" aria-label="Routes">
        <${Routes} status=${status} latencies=${latencies} />
      </div>
    </section>
  `;
};
