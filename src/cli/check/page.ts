import type { Checklist } from '../../config/checklist.ts';
import type { ListenAddress } from '../../config/listen.ts';
import { isLoopback } from '../../config/loopback.ts';
import { entryText } from '../../policy/rules/callers.ts';
import { consolesOf } from '../../setup/consoles.ts';
import { defaultControlSocket } from '../../setup/control-socket.ts';
import type { PageConfig } from '../../setup/page.ts';
import { hasPageTls, pageHostsOf, pageUrlsOf } from '../../setup/page-login.ts';
import type { Config, LoadedConfig } from '../../setup/types.ts';
import { addressText } from '../../transport/address.ts';
import { addressFault, WHO } from './http.ts';
import { isOurLoginPage, isOurPage } from './running.ts';

/** By which ingresses the live page can ask. It may be opened through a tunnel of another port, or a proxy. */
const checkConsole = (list: Checklist, config: Config): void => {
  const open = new Set(consolesOf(config).map(({ ingress }) => ingress));
  const own = pageUrlsOf(config);
  const [origin = ''] = own;
  for (const [name, { adapter }] of config.ingresses) {
    if (adapter.pageAccess === undefined) continue;
    const path = ['ingresses', name];
    // By which port a page with a login is opened, the configuration does not say: a proxy may be before it.
    const isProxied = config.page?.login !== undefined && open.has(name);
    if (isProxied || adapter.pageAccess.origins.some((it) => own.includes(it)))
      list.ok(path, `the live page has a console for ${name}`);
    else if (open.has(name))
      list.warning(
        path,
        `the live page has a console for ${name}, which does not take pages of ${origin}`,
        `add ${origin} to origins, or open the page by an origin that is there`,
      );
    else list.ok(path, `the live page has no console for ${name}; with ${origin} in origins it has one`);
  }
};

/** Who may see it, and by what he proves who he is. */
const checkLogin = (list: Checklist, config: Config, page: PageConfig): void => {
  const { login } = page;
  if (login === undefined) return;
  const { check } = config.ingresses.get(login.ingress)?.adapter ?? {};
  list.ok(['page', 'login'], `who opens the page proves who he is as the clients of ${login.ingress} do`);
  if (!hasPageTls(config) && !isLoopback(page.host))
    list.warning(
      ['page', 'login'],
      'tokens and all that the page shows can be read on the way',
      'give page.tls, or have a proxy on this machine speak it and listen on 127.0.0.1',
    );
  for (const [index, entry] of login.allow.entries()) {
    const path = ['page', 'allow', index];
    if (entry.kind === 'all')
      list.warning(
        path,
        `everybody who can prove a name to ${login.ingress} sees all requests`,
        'name those who are to see them, such as oidc=alice@example.net',
      );
    const lack = entry.kind === 'exact' ? check?.lackFor(entry.name) : undefined;
    if (lack !== undefined)
      list.warning(path, `${entryText(entry)} cannot see it: ${lack.message}`, lack.mend);
  }
};

const isOwn = (config: Config, address: ListenAddress): Promise<boolean> => {
  const hosts = pageHostsOf(config);
  if (hosts === undefined) return isOurPage(`http://${addressText(address)}`, config);
  const any: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const url = `${hasPageTls(config) ? 'https' : 'http'}://${addressText({ ...address, host: any[address.host] ?? address.host })}`;
  const socket = config.controlSocket ?? defaultControlSocket(process.env);
  return isOurLoginPage(url, hosts[0] ?? '', config, socket);
};

/** The live page: its address, who may see it, and by which ingresses it can ask. */
export const checkPage = async (list: Checklist, { config }: LoadedConfig): Promise<void> => {
  const { page } = config;
  if (page === undefined) return;
  const path = ['page', 'listen'];
  checkConsole(list, config);
  checkLogin(list, config, page);
  const fault = await addressFault(list, path, page, () => isOwn(config, page));
  if (fault !== undefined) list.problem(path, fault, WHO);
};
