import type { BearerToken } from './sasl-options.ts';
import type { SaslExchange } from './sasl-exchange.ts';

/** RFC 4616. */
export function plainExchange(username: string, password: string): SaslExchange {
  return {
    first: () => Promise.resolve(Buffer.from(`\0${username}\0${password}`)),
    next: () => Promise.resolve(null),
  };
}

const SEPARATOR = '\x01';

/** RFC 7628. A broker that refuses says why, and wants to hear a separator before it ends. */
export function bearerExchange(token: () => BearerToken | Promise<BearerToken>): SaslExchange {
  return {
    first: async () => {
      const { value, extensions } = await token();
      const pairs = [
        `auth=Bearer ${value}`,
        ...Object.entries(extensions ?? {}).map((pair) => pair.join('=')),
      ];
      return Buffer.from(`n,,${SEPARATOR}${pairs.map((pair) => pair + SEPARATOR).join('')}${SEPARATOR}`);
    },
    next: (answer) => Promise.resolve(answer.length === 0 ? null : Buffer.from(SEPARATOR)),
  };
}
