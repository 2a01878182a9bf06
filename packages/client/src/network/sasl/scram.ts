import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { SaslExchange } from './sasl-exchange.ts';

export type ScramHash = 'sha256' | 'sha512';

const HASH_BYTES = { sha256: 32, sha512: 64 } as const;
const NONCE_BYTES = 24;
/** Fewer make guessing cheap (RFC 7677), more would be an attack on this process. */
const ITERATIONS_MIN = 4_096;
const ITERATIONS_MAX = 1_000_000;
/** `n,,` in base64: no channel binding, no other identity. */
const HEADER = 'n,,';

const derive = promisify(pbkdf2);

/**
 * RFC 5802: neither side shows the password, and each proves that it knows it.
 *
 * @param nonce random, by default; printable, without a comma
 */
export function scramExchange(
  hash: ScramHash,
  username: string,
  password: string,
  nonce = randomBytes(NONCE_BYTES).toString('base64'),
): SaslExchange {
  const opening = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  let serverSignature: Buffer | null = null;
  return {
    first: () => Promise.resolve(Buffer.from(HEADER + opening)),
    next: async (answer) => {
      const attributes = attributesOf(answer);
      if (serverSignature !== null) {
        checkSignature(attributes, serverSignature);
        return null;
      }
      const challenge = checkedChallenge(attributes, nonce);
      const salted = await derive(password, challenge.salt, challenge.iterations, HASH_BYTES[hash], hash);
      const closing = `c=${Buffer.from(HEADER).toString('base64')},r=${challenge.nonce}`;
      const signed = `${opening},${answer.toString()},${closing}`;
      serverSignature = keyed(hash, keyed(hash, salted, 'Server Key'), signed);
      return Buffer.from(`${closing},p=${proof(hash, salted, signed).toString('base64')}`);
    },
  };
}

function proof(hash: ScramHash, salted: Buffer, signed: string): Buffer {
  const clientKey = keyed(hash, salted, 'Client Key');
  const storedKey = createHash(hash).update(clientKey).digest();
  const signature = keyed(hash, storedKey, signed);
  return Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!));
}

function keyed(hash: ScramHash, key: Buffer, text: string): Buffer {
  return createHmac(hash, key).update(text).digest();
}

/** `a=...,b=...`; values may hold further equals signs. */
function attributesOf(answer: Buffer): Map<string, string> {
  const pairs = answer.toString().split(',');
  return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

interface Challenge {
  readonly nonce: string;
  readonly salt: Buffer;
  readonly iterations: number;
}

function checkedChallenge(attributes: ReadonlyMap<string, string>, ownNonce: string): Challenge {
  refuseError(attributes);
  const nonce = attributes.get('r') ?? '';
  const salt = Buffer.from(attributes.get('s') ?? '', 'base64');
  const iterations = Number(attributes.get('i'));
  if (!nonce.startsWith(ownNonce) || nonce.length === ownNonce.length) {
    throw new Error('the broker did not take up the nonce');
  }
  if (salt.length === 0) throw new Error('the broker sent no salt');
  if (!Number.isInteger(iterations) || iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX) {
    const range = `${ITERATIONS_MIN} to ${ITERATIONS_MAX}`;
    throw new Error(`the broker asks for ${attributes.get('i')} iterations, allowed are ${range}`);
  }
  return { nonce, salt, iterations };
}

function checkSignature(attributes: ReadonlyMap<string, string>, expected: Buffer): void {
  refuseError(attributes);
  const signature = Buffer.from(attributes.get('v') ?? '', 'base64');
  const isRight = signature.length === expected.length && timingSafeEqual(signature, expected);
  if (!isRight) throw new Error('the broker does not know the password: is it the right one?');
}

function refuseError(attributes: ReadonlyMap<string, string>): void {
  const error = attributes.get('e');
  if (error !== undefined) throw new Error(`the broker refused: ${error}`);
}
