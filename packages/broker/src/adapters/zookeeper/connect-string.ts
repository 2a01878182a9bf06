import { checkPath } from '../coordination/tree-path.ts';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** `zookeeper.connect`, taken apart. */
export interface ConnectString {
  /** One or more. */
  readonly servers: readonly ServerAddress[];
  /** The node that all paths are below, as `/kafka`; empty for none. */
  readonly chroot: string;
}

const PORT_DEFAULT = 2181;
const PORT_MAX = 65_535;

/**
 * @param text `host:port,host:port/root`; the port is 2181 where not given, an IPv6 address stands in brackets
 * @throws Error with the value and what is allowed
 */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/');
  const hosts = slash < 0 ? text : text.slice(0, slash);
  const root = slash < 0 ? '' : text.slice(slash).trim();
  const chroot = root === '/' ? '' : root;
  if (chroot !== '') checkChroot(chroot, text);
  return { servers: hosts.split(',').map((part) => parseServer(part.trim(), text)), chroot };
}

export function serverName({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseServer(part: string, whole: string): ServerAddress {
  const match = /^(?:\[([^\]]+)\]|([^\s:[\]]+))(?::(\d+))?$/.exec(part);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? PORT_DEFAULT);
  if (host === undefined || port < 1 || port > PORT_MAX) {
    throw new Error(
      `"${part}" in zookeeper.connect ("${whole}") is no server: expected is host:port with a port from 1 to ` +
        `${PORT_MAX}, separated by commas, and after the last at most one root path`,
    );
  }
  return { host, port };
}

function checkChroot(chroot: string, whole: string): void {
  if (chroot.includes(',')) {
    throw new Error(
      `zookeeper.connect ("${whole}") has something behind its root path, which may stand only after the last server`,
    );
  }
  try {
    checkPath(chroot, null, false);
  } catch (cause) {
    throw new Error(`the root path of zookeeper.connect ("${whole}"): ${(cause as Error).message}`, {
      cause,
    });
  }
}
