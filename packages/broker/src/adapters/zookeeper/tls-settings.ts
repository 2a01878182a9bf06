import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls';
import type { TlsSettings } from './node-link.ts';

/** `zookeeper.ssl.*`; the names are those of `server.properties`. */
export interface ZookeeperTlsOptions {
  readonly protocol: string;
  readonly enabledProtocols: readonly string[] | null;
  /** `HTTPS`: the certificate must bear the server's name; empty: any name will do. */
  readonly endpointIdentificationAlgorithm: string | null;
  readonly keystore: StoreOptions;
  readonly truststore: StoreOptions;
}

export interface StoreOptions {
  /** None: no certificate of our own, or those authorities that Node.js trusts. */
  readonly location: string | null;
  readonly password: string | null;
  /** Null: as the file's name ends. */
  readonly type: string | null;
}

/** In their order. */
const VERSIONS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
const TYPE_OF_ENDING: readonly [RegExp, string][] = [
  [/\.pem$/i, 'PEM'],
  [/\.(p12|pfx)$/i, 'PKCS12'],
  [/\.jks$/i, 'JKS'],
];

/** @throws Error naming the setting, its value and what is allowed */
export function readTlsSettings(options: ZookeeperTlsOptions): TlsSettings {
  const algorithm = options.endpointIdentificationAlgorithm ?? '';
  if (algorithm !== '' && algorithm.toUpperCase() !== 'HTTPS') {
    throw new Error(
      `zookeeper.ssl.endpoint.identification.algorithm (${algorithm}) must be HTTPS, or empty for no check`,
    );
  }
  const secureOptions = {
    ...versionsOf(options),
    ...keyOf(options.keystore),
    ...authoritiesOf(options.truststore),
  };
  try {
    return { context: createSecureContext(secureOptions), checksServerName: algorithm !== '' };
  } catch (cause) {
    throw new Error(
      `the files of zookeeper.ssl.keystore.location (${options.keystore.location}) and ` +
        `zookeeper.ssl.truststore.location (${options.truststore.location}) cannot be used: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function versionsOf({ protocol, enabledProtocols }: ZookeeperTlsOptions): SecureContextOptions {
  const wanted = enabledProtocols === null || enabledProtocols.length === 0 ? [protocol] : enabledProtocols;
  const places = wanted.map((name) => {
    const place = VERSIONS.indexOf(name as SecureVersion);
    if (place >= 0) return place;
    throw new Error(
      `${name} in zookeeper.ssl.protocol or zookeeper.ssl.enabled.protocols is not known: there are ${VERSIONS.join(', ')}`,
    );
  });
  return { minVersion: VERSIONS[Math.min(...places)]!, maxVersion: VERSIONS[Math.max(...places)]! };
}

function keyOf({ location, password, type }: StoreOptions): SecureContextOptions {
  if (location === null) return {};
  const name = 'zookeeper.ssl.keystore';
  const contents = readStore(name, location);
  const passphrase = password === null ? {} : { passphrase: password };
  switch (typeOf(location, type)) {
    case 'PEM':
      return { key: contents, cert: contents, ...passphrase };
    case 'PKCS12':
      return { pfx: contents, ...passphrase };
    default:
      throw unknownType(name, location, type, 'PEM (key and certificates in one file) and PKCS12');
  }
}

function authoritiesOf({ location, type }: StoreOptions): SecureContextOptions {
  if (location === null) return {};
  const name = 'zookeeper.ssl.truststore';
  if (typeOf(location, type) === 'PEM') return { ca: readStore(name, location) };
  throw unknownType(name, location, type, 'PEM, which keytool -exportcert -rfc makes from a Java store');
}

function typeOf(location: string, type: string | null): string {
  if (type !== null && type !== '') return type.toUpperCase();
  return TYPE_OF_ENDING.find(([ending]) => ending.test(location))?.[1] ?? 'unknown';
}

function readStore(name: string, location: string): Buffer {
  try {
    return readFileSync(location);
  } catch (cause) {
    throw new Error(`${name}.location (${location}) cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function unknownType(name: string, location: string, type: string | null, allowed: string): Error {
  const given = type === null || type === '' ? 'not set' : type;
  return new Error(
    `${name}.type (${given}) of ${name}.location (${location}): what can be read is ${allowed}`,
  );
}
