import { createHash } from 'node:crypto';
import { ZookeeperProtocolError } from './jute-reader.ts';

/**
 * DIGEST-MD5 (RFC 2831), the SASL mechanism that ZooKeeper servers take passwords by. It is old and weak; where the
 * network is not trusted, use TLS with certificates.
 */

/** Service and host that ZooKeeper's servers and clients agree on. */
const DIGEST_URI = 'zookeeper/zk-sasl-md5';
const NONCE_COUNT = '00000001';
const QUALITY = 'auth';

export interface SaslCredentials {
  readonly user: string;
  readonly password: string;
}

/** What is sent, and what must come back. */
export interface DigestReply {
  readonly token: Buffer;
  /** The last token of a server that knows the password. */
  readonly expected: string;
}

/**
 * Answers the first challenge of a server.
 * @param clientNonce never used before
 * @throws ZookeeperProtocolError when the challenge is none, or asks for what is not supported
 */
export function answerChallenge(
  challenge: Buffer,
  { user, password }: SaslCredentials,
  clientNonce: string,
): DigestReply {
  const directives = parseDirectives(challenge.toString('utf8'));
  const nonce = directives.get('nonce');
  const realm = directives.get('realm') ?? '';
  if (nonce === undefined || directives.get('algorithm') !== 'md5-sess') {
    throw new ZookeeperProtocolError('the SASL challenge of the server is not one of DIGEST-MD5');
  }
  const qualities = (directives.get('qop') ?? QUALITY).split(',').map((quality) => quality.trim());
  if (!qualities.includes(QUALITY)) {
    throw new ZookeeperProtocolError(
      `the server wants SASL protection ${qualities.join(', ')}, known is auth`,
    );
  }
  const secret = Buffer.concat([
    md5(`${user}:${realm}:${password}`),
    Buffer.from(`:${nonce}:${clientNonce}`),
  ]);
  const session = md5(secret).toString('hex');
  const proof = (method: string) =>
    md5(
      [
        session,
        nonce,
        NONCE_COUNT,
        clientNonce,
        QUALITY,
        md5(`${method}:${DIGEST_URI}`).toString('hex'),
      ].join(':'),
    ).toString('hex');
  const token = [
    'charset=utf-8',
    `username=${quoted(user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `nc=${NONCE_COUNT}`,
    `cnonce=${quoted(clientNonce)}`,
    `digest-uri=${quoted(DIGEST_URI)}`,
    'maxbuf=65536',
    `response=${proof('AUTHENTICATE')}`,
    `qop=${QUALITY}`,
  ].join(',');
  return { token: Buffer.from(token), expected: `rspauth=${proof('')}` };
}

function md5(data: string | Buffer): Buffer {
  return createHash('md5').update(data).digest();
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** `name=value,name="value, with \" anything"` */
function parseDirectives(text: string): Map<string, string> {
  const directives = new Map<string, string>();
  for (const [, name, inQuotes, plain] of text.matchAll(
    /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,\s]*))/g,
  )) {
    directives.set(name!.toLowerCase(), inQuotes?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return directives;
}
