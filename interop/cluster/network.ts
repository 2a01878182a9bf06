import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

/** A machine of its own, as far as the network goes: a namespace with one interface. */
export interface Host {
  readonly namespace: string;
  readonly address: string;
}

/** No interface has it: what is sent there arrives nowhere, as with a link that is down beyond our own end. */
const NOBODY = '02:00:00:00:00:01';
const PREFIX = 'odr';

/**
 * Several network namespaces on one bridge; we ourselves are on it, too. Names carry our process id, so that several
 * networks may stand side by side, and what a killed process has left is known as such. Needs root and iproute2.
 */
export class Network {
  /** The place of the test's own clients. */
  readonly outside: Host;
  private readonly id = `${PREFIX}${process.pid}`;
  private readonly subnet = `10.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}`;
  private readonly hosts: Host[] = [];
  /** Namespace and address of each cut that is in force. */
  private readonly cuts = new Map<string, { from: Host; to: Host }>();

  constructor() {
    removeLeftovers();
    this.outside = { namespace: '', address: `${this.subnet}.1` };
    ip('link', 'add', this.id, 'type', 'bridge');
    ip('addr', 'add', `${this.outside.address}/24`, 'dev', this.id);
    ip('link', 'set', this.id, 'up');
  }

  addHost(name: string): Host {
    const number = this.hosts.length + 2;
    const host = { namespace: `${this.id}-${name}`, address: `${this.subnet}.${number}` };
    const outerEnd = `${this.id}v${number}`;
    ip('netns', 'add', host.namespace);
    this.hosts.push(host);
    ip('link', 'add', outerEnd, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.namespace);
    ip('link', 'set', outerEnd, 'master', this.id, 'up');
    ip('-n', host.namespace, 'addr', 'add', `${host.address}/24`, 'dev', 'eth0');
    ip('-n', host.namespace, 'link', 'set', 'eth0', 'up');
    ip('-n', host.namespace, 'link', 'set', 'lo', 'up');
    return host;
  }

  /** What one sends to the other is lost without a sound; the other way all goes on. */
  cutOneWay(from: Host, to: Host): void {
    this.cuts.set(`${from.address} ${to.address}`, { from, to });
    this.neighbour(from, 'replace', to.address, 'lladdr', NOBODY, 'nud', 'permanent');
  }

  cut(one: Host, other: Host): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** All links work again. */
  heal(): void {
    for (const { from, to } of this.cuts.values()) this.neighbour(from, 'del', to.address);
    this.cuts.clear();
  }

  remove(): void {
    removeAll((id) => id === this.id);
  }

  private neighbour(at: Host, ...words: readonly string[]): void {
    if (at === this.outside) ip('neigh', ...words, 'dev', this.id);
    else ip('-n', at.namespace, 'neigh', ...words, 'dev', 'eth0');
  }
}

/** Of processes that are dead. */
function removeLeftovers(): void {
  const alive = new Set(readdirSync('/proc'));
  removeAll((id) => !alive.has(id.slice(PREFIX.length)));
}

/** With a namespace its interface goes, and with that the end on the bridge. */
function removeAll(isMeant: (id: string) => boolean): void {
  const meant = (text: string, name: RegExp) =>
    text.split('\n').flatMap((line) => {
      const match = name.exec(line);
      return match !== null && isMeant(match[1]!) ? [match[0]] : [];
    });
  for (const namespace of meant(ip('netns', 'list'), /^(odr\d+)-[\w-]+/)) {
    for (const pid of ip('netns', 'pids', namespace).split('\n').filter(Boolean)) kill(Number(pid));
    ip('netns', 'del', namespace);
  }
  for (const bridge of meant(ip('-o', 'link', 'show', 'type', 'bridge'), /(?<=^\d+: )(odr\d+)(?=:)/))
    ip('link', 'del', bridge);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

function ip(...words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`ip ${words.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

/** What is missing for networks of our own, or null. */
export function networkFault(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  if (spawnSync('ip', ['-V']).status !== 0) return 'the command ip is not there (Debian: iproute2)';
  const name = `${PREFIX}${process.pid}-probe`;
  const { status, stderr } = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (status !== 0) return `network namespaces are not allowed: ${stderr.trim()}`;
  ip('netns', 'del', name);
  return null;
}
