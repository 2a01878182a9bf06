/** Addresses as `listeners` and `advertised.listeners` write them, and the protocol behind each name. */

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

export const SECURITY_PROTOCOLS: readonly SecurityProtocol[] = [
  'PLAINTEXT',
  'SSL',
  'SASL_PLAINTEXT',
  'SASL_SSL',
];

/** One address to listen on, or to be reached by. */
export interface Listener {
  /** In upper case; requests and answers of one listener stay among themselves. */
  readonly name: string;
  /** Empty: all interfaces. IPv6 without brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly protocol: SecurityProtocol;
}

/**
 * @param text `NAME:PROTOCOL,NAME:PROTOCOL`
 * @throws Error that names the entry and what is allowed
 */
export function parseSecurityProtocolMap(text: string): ReadonlyMap<string, SecurityProtocol> {
  const protocols = new Map<string, SecurityProtocol>();
  for (const entry of csv(text)) {
    const at = entry.lastIndexOf(':');
    const name = entry.slice(0, at).trim().toUpperCase();
    const protocol = entry.slice(at + 1).trim() as SecurityProtocol;
    if (at < 1) throw new Error(`'${entry}' must be NAME:PROTOCOL`);
    if (!SECURITY_PROTOCOLS.includes(protocol)) {
      throw new Error(
        `security protocol '${protocol}' of '${entry}' must be one of ${SECURITY_PROTOCOLS.join(', ')}`,
      );
    }
    protocols.set(name, protocol);
  }
  return protocols;
}

const ADDRESS = /^([A-Za-z0-9_.-]+):\/\/(?:\[([0-9A-Fa-f:.%A-Za-z]*)\]|([^:[\]]*)):(-?\d{1,6})$/;

/**
 * @param text `NAME://host:port,...`
 * @param protocols of the names
 * @throws Error that names the entry and what is allowed
 */
export function parseListeners(
  text: string,
  protocols: ReadonlyMap<string, SecurityProtocol>,
): readonly Listener[] {
  const listeners = csv(text).map((entry) => parseListener(entry, protocols));
  if (listeners.length === 0) throw new Error('it must name at least one address');
  refuseTwice(
    listeners.map((listener) => listener.name),
    'Each listener must have a different name',
  );
  return listeners;
}

function parseListener(entry: string, protocols: ReadonlyMap<string, SecurityProtocol>): Listener {
  const parts = ADDRESS.exec(entry);
  const port = Number(parts?.[4]);
  if (parts === null || port < 0 || port > 65_535) {
    throw new Error(`'${entry}' must be NAME://host:port with a port from 0 to 65535`);
  }
  const name = (parts[1] as string).toUpperCase();
  const protocol = protocols.get(name);
  if (protocol === undefined) {
    throw new Error(`no security protocol is defined for listener ${name} in listener.security.protocol.map`);
  }
  return { name, host: parts[2] ?? parts[3] ?? '', port, protocol };
}

/** Two listeners may share a port only by different addresses: one IPv4 and one IPv6, as in Kafka. */
export function refuseSharedPorts(listeners: readonly Listener[]): void {
  const taken = listeners
    .filter((listener) => listener.port !== 0)
    .map(
      (listener) =>
        `${isIpv6(listener.host) ? 'IPv6 ' : isIpv4(listener.host) ? 'IPv4 ' : ''}${listener.port}`,
    );
  const byName = new Set(taken.filter((port) => !port.includes(' ')));
  const clash = taken.find((port) => port.includes(' ') && byName.has(port.split(' ')[1] as string));
  refuseTwice(clash === undefined ? taken : [...taken, clash], 'Each listener must have a different port');
}

function isIpv6(host: string): boolean {
  return host.includes(':');
}

function isIpv4(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

function refuseTwice(words: readonly string[], rule: string): void {
  const twice = words.find((word, at) => words.indexOf(word) !== at);
  if (twice !== undefined) throw new Error(`${rule}: ${twice} appears twice`);
}

function csv(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
