/** Held in memory, and nowhere else. */
let token = '';

export const heldToken = () => token;

export const holdToken = (next) => {
  token = next;
};

/** Asks the page's own server. A token goes into the header, and never into a URL. */
export const ask = (path, { headers = {}, signal } = {}) =>
  fetch(path, {
    signal,
    cache: 'no-store',
    headers: { ...headers, ...(token !== '' && { authorization: `Bearer ${token}` }) },
  });
