// TLS and SASL of our client with Apache Kafka: every mechanism over encrypted and open listeners, certificates that are
// not to be trusted, wrong passwords, sessions that end under load.
//   npx node interop/security/run.ts [--version 3.9,4.4]
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  AuthenticationError,
  Cluster,
  Producer,
  type ProducerOptions,
  type SaslOptions,
} from '@odradek/client/index.ts';
import { alterUserScramCredentialsApi } from '@odradek/protocol/generated/apis/alter-user-scram-credentials.ts';
import { freePort } from '../../scripts/free-port.ts';
import { parseKafkaVersion, type KafkaVersion } from '../../scripts/kafka-jars.ts';
import { startKafka } from '../../scripts/kafka.ts';
import { closeWith } from '../closing-line.ts';

const { values } = parseArgs({ options: { version: { type: 'string', default: '3.9,4.4' } } });

const USERNAME = 'alice, =x';
const PASSWORD = 'wonder,land=';
const SESSION_MS = 2_000;
const UNDER_LOAD_MS = 6_000;

interface Certificate {
  readonly pem: string;
  readonly key: string;
}

function certificate(folder: string, name: string): Certificate {
  const [pem, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  execFileSync(
    'openssl',
    [
      ...'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=odradek-test'.split(' '),
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-out', pem, '-keyout', key],
    ],
    { stdio: 'ignore' },
  );
  return { pem: readFileSync(pem, 'utf8'), key: readFileSync(key, 'utf8') };
}

/** One line, as a value in a properties file. */
function inline(pem: string): string {
  return pem.trim().replaceAll('\n', '\\n');
}

const LISTENERS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
type Listener = (typeof LISTENERS)[number];

async function start(version: KafkaVersion, own: Certificate) {
  const ports = new Map<Listener, number>();
  for (const name of LISTENERS) ports.set(name, await freePort());
  const controlPort = await freePort();
  const listeners = LISTENERS.map((name) => `${name}://127.0.0.1:${ports.get(name)}`).join();
  const map = LISTENERS.map((name) => `${name}:${name}`).join();
  const module = (name: string): string => `org.apache.kafka.common.security.${name}`;
  const logins = {
    plain: `${module('plain.PlainLoginModule')} required user_alice="${PASSWORD}";`,
    'scram-sha-256': `${module('scram.ScramLoginModule')} required;`,
    'scram-sha-512': `${module('scram.ScramLoginModule')} required;`,
    oauthbearer: `${module('oauthbearer.OAuthBearerLoginModule')} required unsecuredLoginStringClaim_sub="x";`,
  };
  const jaas = ['sasl_plaintext', 'sasl_ssl'].flatMap((listener) =>
    Object.entries(logins).map(([mechanism, login]) => [
      `listener.name.${listener}.${mechanism}.sasl.jaas.config`,
      login,
    ]),
  );
  const reauthentication = ['plain', 'scram-sha-256', 'oauthbearer'].map((mechanism) => [
    `listener.name.sasl_plaintext.${mechanism}.connections.max.reauth.ms`,
    String(SESSION_MS),
  ]);
  const isKraft = version === '4.4';
  const kafka = await startKafka({
    version,
    port: ports.get('PLAINTEXT')!,
    quickStart: true,
    overrides: {
      listeners: isKraft ? `${listeners},CONTROLLER://127.0.0.1:${controlPort}` : listeners,
      'listener.security.protocol.map': isKraft ? `${map},CONTROLLER:PLAINTEXT` : map,
      ...(isKraft ? { 'controller.quorum.voters': `0@127.0.0.1:${controlPort}` } : {}),
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.certificate.chain': inline(own.pem),
      'ssl.keystore.key': inline(own.key),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': inline(own.pem),
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      ...(Object.fromEntries([...jaas, ...reauthentication]) as Record<string, string>),
    },
  });
  return { kafka, at: (name: Listener, host = '127.0.0.1') => `${host}:${ports.get(name)}` };
}

async function addUser(bootstrapServers: string): Promise<void> {
  const cluster = new Cluster({ bootstrapServers });
  const iterations = 4_096;
  for (const [mechanism, hash, length] of [
    [1, 'sha256', 32],
    [2, 'sha512', 64],
  ] as const) {
    const salt = randomBytes(16);
    const saltedPassword = pbkdf2Sync(PASSWORD, salt, iterations, length, hash);
    const answer = await cluster.requestToController(
      alterUserScramCredentialsApi,
      { deletions: [], upsertions: [{ name: USERNAME, mechanism, iterations, salt, saltedPassword }] },
      ({ results }) => results.map(({ errorCode }) => errorCode),
    );
    assert.equal(answer.results[0]?.errorCode, 0, answer.results[0]?.errorMessage ?? '');
  }
  cluster.close();
}

async function sends(options: Partial<ProducerOptions> & { bootstrapServers: string }): Promise<void> {
  const producer = new Producer({ lingerMs: 0, ...options });
  try {
    await producer.send({ topic: 'secured', value: Buffer.from('v') });
  } finally {
    await producer.close(0);
  }
}

function token(lifeSeconds: number): { value: string } {
  const now = Math.floor(Date.now() / 1_000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return { value: `${part({ alg: 'none' })}.${part({ sub: 'alice', iat: now, exp: now + lifeSeconds })}.` };
}

const WAYS: readonly SaslOptions[] = [
  { mechanism: 'plain', username: 'alice', password: PASSWORD },
  { mechanism: 'scram-sha-256', username: USERNAME, password: PASSWORD },
  { mechanism: 'scram-sha-512', username: USERNAME, password: PASSWORD },
  { mechanism: 'oauthbearer', token: () => token(60) },
];

type Secured = Awaited<ReturnType<typeof start>>;
type Check = readonly [string, (cluster: Secured, own: Certificate, other: Certificate) => Promise<void>];

const CHECKS: readonly Check[] = [
  [
    'TLS, by address and by name',
    async ({ at }, { pem: ca }) => {
      await sends({ bootstrapServers: at('SSL'), tls: { ca } });
      await sends({ bootstrapServers: at('SSL', 'localhost'), tls: { ca } });
    },
  ],
  [
    'a certificate of an unknown authority is refused',
    async ({ at }, _own, { pem: ca }) => {
      await assert.rejects(
        sends({ bootstrapServers: at('SSL'), tls: { ca }, maxBlockMs: 500 }),
        /self-signed/,
      );
      await assert.rejects(sends({ bootstrapServers: at('SSL'), tls: true, maxBlockMs: 500 }), /self-signed/);
    },
  ],
  [
    'a certificate for another name is refused',
    async ({ at }, { pem: ca }) => {
      const tls = { ca, servername: 'elsewhere.example' };
      await assert.rejects(sends({ bootstrapServers: at('SSL'), tls, maxBlockMs: 500 }), /altnames/);
    },
  ],
  ...WAYS.map((sasl): Check => [
    `${sasl.mechanism}, in the clear and encrypted`,
    async ({ at }, { pem: ca }) => {
      await sends({ bootstrapServers: at('SASL_PLAINTEXT'), sasl });
      await sends({ bootstrapServers: at('SASL_SSL'), sasl, tls: { ca } });
    },
  ]),
  [
    'a wrong password, user or token is told at once, as that',
    async ({ at }) => {
      const wrong: readonly SaslOptions[] = [
        ...WAYS.filter((way) => way.mechanism !== 'oauthbearer').map((way) => ({ ...way, password: 'no' })),
        { mechanism: 'scram-sha-256', username: 'nobody', password: PASSWORD },
        { mechanism: 'oauthbearer', token: () => token(-60) },
        { mechanism: 'oauthbearer', token: () => Promise.reject(new Error('the source is down')) },
      ];
      for (const sasl of wrong) {
        const beginMs = performance.now();
        const outcome = sends({ bootstrapServers: at('SASL_PLAINTEXT'), sasl });
        await assert.rejects(outcome, (error) => {
          assert.ok(error instanceof AuthenticationError, String(error));
          assert.ok(!error.message.includes(PASSWORD));
          return true;
        });
        assert.ok(performance.now() - beginMs < 5_000);
      }
    },
  ],
  [
    'sessions that end under load: nothing is lost or refused',
    async ({ at }) => {
      for (const sasl of WAYS.filter(({ mechanism }) => mechanism !== 'scram-sha-512')) {
        const producer = new Producer({ bootstrapServers: at('SASL_PLAINTEXT'), lingerMs: 0, sasl });
        const endMs = performance.now() + UNDER_LOAD_MS;
        while (performance.now() < endMs) await producer.send({ topic: 'secured', value: Buffer.from('v') });
        await producer.close();
      }
    },
  ],
];

const folder = mkdtempSync(join(tmpdir(), 'odradek-security-'));
let [passed, failed] = [0, 0];
try {
  const [own, other] = [certificate(folder, 'own'), certificate(folder, 'other')];
  for (const version of values.version.split(',').map(parseKafkaVersion)) {
    const cluster = await start(version, own);
    console.log(`Apache Kafka ${version}:`);
    try {
      await addUser(cluster.at('PLAINTEXT'));
      for (const [name, check] of CHECKS) {
        try {
          await check(cluster, own, other);
          console.log(`  ok   ${name}`);
          passed++;
        } catch (error) {
          console.log(`  FAIL ${name}\n       ${error instanceof Error ? error.stack : String(error)}`);
          failed++;
        }
      }
    } finally {
      await cluster.kafka.stop();
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
closeWith(passed, failed);
