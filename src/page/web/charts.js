import { html } from './html.js';
import { Component, createRef } from './vendor/preact.js';
import uPlot from './vendor/uplot.js';
import { ms, short } from './words.js';

const HEIGHT = 170;
/** Seconds. */
const HOUR = 3_600;

/** However few points there are. */
const lastHour = (times) => {
  const end = times.at(-1) ?? Date.now() / 1000;
  return [end - HOUR, end];
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const axis = (values) => ({
  stroke: colour('--faint'),
  grid: { stroke: colour('--line'), width: 1 },
  ticks: { stroke: colour('--line'), width: 1 },
  size: 60,
  ...(values && { values: (_, all) => all.map(values) }),
});

const DARK = matchMedia('(prefers-color-scheme: dark)');

/** A canvas, which is drawn anew where the colours or the width change. */
class Chart extends Component {
  place = createRef();

  componentDidMount() {
    this.watch = new ResizeObserver(() => this.plot?.setSize({ width: this.width(), height: HEIGHT }));
    this.watch.observe(this.place.current);
    this.redraw = () => this.draw();
    DARK.addEventListener('change', this.redraw);
    this.draw();
  }

  componentDidUpdate() {
    this.plot?.setData(this.props.data);
  }

  componentWillUnmount() {
    this.watch.disconnect();
    DARK.removeEventListener('change', this.redraw);
    this.plot?.destroy();
  }

  width() {
    return Math.max(200, this.place.current.clientWidth);
  }

  draw() {
    const { series, data, values } = this.props;
    this.plot?.destroy();
    const lines = series.map(({ label, stroke, dash }) => ({
      label,
      stroke: colour(stroke),
      width: 2,
      dash,
      spanGaps: true,
    }));
    const options = {
      ...{ width: this.width(), height: HEIGHT, legend: { show: false }, cursor: { show: false } },
      scales: {
        x: { range: ({ data }) => lastHour(data[0]) },
        y: { range: (_, low, high) => [0, Math.max(high, low, 1) * 1.1] },
      },
      axes: [axis(), axis(values)],
      series: [{}, ...lines],
    };
    this.plot = new uPlot(options, data, this.place.current);
  }

  render() {
    return html`<div ref=${this.place} aria-hidden="true"></div>`;
  }
}

const Figure = ({ title, series, samples, values }) => {
  const data = [
    samples.map(({ time }) => time / 1000),
    ...series.map(({ of }) => samples.map((it) => it[of])),
  ];
  const last = samples.at(-1);
  return html`
    <figure>
      <figcaption>
        ${title}:
        ${series.map(({ label, of, stroke }) => html` <span class="key"><span class=${`swatch ${stroke.slice(2)}`} aria-hidden="true"></span>${label} ${values(last?.[of])}</span>`)}
      </figcaption>
      <${Chart} series=${series} data=${data} values=${values} />
    </figure>
  `;
};

const RATES = [
  { label: 'requests', of: 'requests', stroke: '--accent' },
  { label: 'replies', of: 'replies', stroke: '--good', dash: [8, 4] },
  { label: 'refusals', of: 'refusals', stroke: '--bad', dash: [2, 3] },
];
const TIMES = [
  { label: 'median', of: 'median', stroke: '--accent' },
  { label: '99 %', of: 'p99', stroke: '--bad', dash: [8, 4] },
];

/** Rates and latencies over the last hour, a point each ten seconds. */
export const Charts = ({ samples }) => html`
  <section aria-labelledby="hour-title">
    <h2 id="hour-title">The last hour</h2>
    <div class="charts">
      <${Figure} title="A second" series=${RATES} samples=${samples} values=${(it) => (it === undefined ? '–' : short(it ?? 0))} />
      <${Figure} title="From request to last reply" series=${TIMES} samples=${samples} values=${ms} />
    </div>
  </section>
`;
