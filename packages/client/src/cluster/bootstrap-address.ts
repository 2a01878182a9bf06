import { ClientError } from '../errors.ts';
import type { Address } from '../ports/sockets.ts';

const PORT_DEFAULT = 9092;

/**
 * Addresses out of `host:port,host:port`: names, IPv4, IPv6 in brackets or bare; port 9092 when left out.
 *
 * @throws ClientError BAD_ADDRESS naming the part that is wrong
 */
export function parseBootstrapServers(text: string): Address[] {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) throw badAddress(text, 'is empty');
  return parts.map(parseAddress);
}

function parseAddress(text: string): Address {
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return { host: bracketed[1]!, port: parsePort(text, bracketed[2]) };
  const colons = text.split(':').length - 1;
  if (colons > 1) return { host: text, port: PORT_DEFAULT };
  const [host, port] = text.split(':');
  if (host === undefined || host === '') throw badAddress(text, 'has no host');
  return { host, port: parsePort(text, port) };
}

function parsePort(text: string, port: string | undefined): number {
  if (port === undefined) return PORT_DEFAULT;
  const value = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (value < 1 || value > 65_535) throw badAddress(text, `has port "${port}", allowed are 1 to 65535`);
  return value;
}

function badAddress(text: string, problem: string): ClientError {
  return new ClientError('BAD_ADDRESS', `bootstrap server "${text}" ${problem}; expected is host:port`);
}
