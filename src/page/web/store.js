/** Lines of the trail that a page holds. */
const MOST_LINES = 500;
/** Points of the last hour. */
const MOST_SAMPLES = 360;
/** States that rates are made of, one a second. */
const MOST_STATES = 11;

/** What a page knows. */
export const emptyStore = () => ({
  isConnected: false,
  /** Why not, where the bridge has said it. */
  problem: undefined,
  /** The last states, the newest last. */
  states: [],
  /** By their ids, in the order in which they came. */
  trail: new Map(),
  missed: 0,
  samples: [],
});

const cutTo = (map, most) => {
  for (const id of map.keys()) {
    if (map.size <= most) return map;
    map.delete(id);
  }
  return map;
};

const withLines = (trail, lines) => {
  const next = new Map(trail);
  for (const line of lines) next.set(line.id, line);
  return cutTo(next, MOST_LINES);
};

/** What becomes of it by one event of the stream. */
const EVENTS = {
  snapshot: (store, { trail, history }) => ({
    ...store,
    trail: withLines(new Map(), trail),
    samples: history,
    missed: 0,
  }),
  trail: (store, { lines, missed }) => ({
    ...store,
    trail: withLines(store.trail, lines),
    missed: store.missed + missed,
  }),
  sample: (store, sample) => ({ ...store, samples: [...store.samples, sample].slice(-MOST_SAMPLES) }),
  state: (store, state) => ({ ...store, states: [...store.states, state].slice(-MOST_STATES) }),
};

export const after = (store, name, data) => EVENTS[name]?.(store, data) ?? store;

/** How all is now; undefined before it is known. */
export const stateOf = ({ states }) => states.at(-1);

/** Messages a second that go through a link, both ways, over the last states. */
export const rateOf = ({ states }, { name, side }) => {
  const [first, last] = [states.at(0), states.at(-1)];
  const count = ({ passed }) => {
    const it = passed.find((one) => one.name === name && one.side === side);
    return it === undefined ? 0 : it.received + it.sent;
  };
  if (first === undefined || first === last) return 0;
  const seconds = (Date.parse(last.status.time) - Date.parse(first.status.time)) / 1000;
  return seconds <= 0 ? 0 : Math.max(0, count(last) - count(first)) / seconds;
};
