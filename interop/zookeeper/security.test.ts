// Who may connect, who may change what: digest, SASL, TLS with certificates, protected nodes. Real servers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '@odradek/broker/adapters/silent-log.ts';
import { systemClock } from '@odradek/broker/adapters/system-clock.ts';
import {
  readTlsSettings,
  type ZookeeperTlsOptions,
} from '@odradek/broker/adapters/zookeeper/tls-settings.ts';
import { loadBrokerConfig } from '@odradek/broker/config/load-broker-config.ts';
import { openCoordination } from '@odradek/broker/open-coordination.ts';
import { failsWith, PromisedSession } from '../../packages/core/test/coordination/promised-session.ts';
import { freePort } from '../../scripts/free-port.ts';
import { startZookeeper, type RunningZookeeper } from '../../scripts/zookeeper.ts';
import { connectTo, newRoot } from './ensemble-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'odradek-zookeeper-security-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a cluster that protects its nodes may do, and what everybody else may. */
async function checkProtection(owner: PromisedSession, stranger: PromisedSession): Promise<void> {
  await owner.create('/config');
  await owner.create('/config/users');
  await owner.create('/config/users/alice', 'a secret');
  await owner.create('/consumers');
  await owner.create('/topic', 'x');
  await owner.set('/topic', 'y');
  assert.equal((await owner.read('/config/users/alice')).data?.toString(), 'a secret');

  await stranger.whenThere('/topic');
  assert.equal((await stranger.read('/topic')).data?.toString(), 'y');
  await failsWith(stranger.set('/topic', 'z'), 'NOAUTH');
  await failsWith(stranger.create('/topic/child'), 'NOAUTH');
  await failsWith(stranger.read('/config/users/alice'), 'NOAUTH');
  await failsWith(stranger.write({ type: 'check', path: '/config/users/alice', version: 0 }), 'NOAUTH');
  await stranger.create('/consumers/of-old');
}

describe('digest and SASL', () => {
  let zookeeper: RunningZookeeper;
  before(async () => {
    const jaas = join(folder, 'jaas.conf');
    writeFileSync(
      jaas,
      'Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_bob="bob\'s secret"; };\n',
    );
    zookeeper = await startZookeeper({
      properties: { 'authProvider.1': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider' },
      jvm: [`-Djava.security.auth.login.config=${jaas}`],
    });
  });
  after(() => zookeeper.stop());

  for (const [how, identity] of [
    ['a digest', { digest: { user: 'kafka', password: 'p:w' } }],
    ['SASL', { sasl: { user: 'bob', password: "bob's secret" } }],
  ] as const) {
    test(`${how} protects nodes from everybody else, and is said again on each connection`, async () => {
      const root = await newRoot(zookeeper);
      const raw = await connectTo(root, { identity, setAcl: true });
      const owner = new PromisedSession(raw);
      const stranger = new PromisedSession(await connectTo(root));
      await checkProtection(owner, stranger);
      const lost = new Promise<void>((resolve) => {
        raw.onSession((state) => {
          if (state === 'disconnected') resolve();
        });
      });
      await zookeeper.servers[0]!.kill();
      await lost;
      const [writing] = [owner.set('/topic', 'after'), await zookeeper.servers[0]!.startAgain()];
      assert.equal((await writing).version, 2);
      await owner.close();
      await stranger.close();
    });
  }

  test("a broker says who it is by Kafka's login file, and its nodes are protected", async () => {
    const root = await newRoot(zookeeper);
    const login = join(folder, 'client.conf');
    writeFileSync(
      login,
      'Client { org.apache.zookeeper.server.auth.DigestLoginModule required username=bob password="bob\'s secret"; };\n',
    );
    const { config } = loadBrokerConfig({
      'broker.id': '1',
      'zookeeper.connect': root,
      'zookeeper.set.acl': 'true',
    });
    const env = { KAFKA_OPTS: `-Djava.security.auth.login.config=${login}` };
    const tree = await openCoordination(config, ':memory:', systemClock, silentLog, env);
    const stranger = new PromisedSession(await connectTo(root));
    await checkProtection(new PromisedSession(tree.session), stranger);
    await tree.close();
    await stranger.close();
  });

  test('a SASL password that is wrong is told at the start', async () => {
    const identity = { sasl: { user: 'bob', password: 'guessed' } };
    const failure = await failsWith(connectTo(zookeeper.connectString, { identity }), 'AUTHFAILED');
    assert.match(failure.message, /does not accept the SASL user bob or its password/);
    assert.doesNotMatch(failure.message, /guessed/);
  });

  test('nodes cannot be protected by nobody', async () => {
    const root = await newRoot(zookeeper);
    const session = new PromisedSession(await connectTo(root, { setAcl: true }));
    await failsWith(session.create('/a'), 'INVALIDACL');
    await session.close();
  });
});

describe('TLS', () => {
  let zookeeper: RunningZookeeper;
  let secure: string;
  before(async () => {
    makeCertificates();
    const port = await freePort();
    secure = `127.0.0.1:${port}`;
    zookeeper = await startZookeeper({
      properties: {
        secureClientPort: String(port),
        serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
        'authProvider.x509': 'org.apache.zookeeper.server.auth.X509AuthenticationProvider',
        'ssl.keyStore.location': join(folder, 'server.pem'),
        'ssl.trustStore.location': join(folder, 'ca.pem'),
        'ssl.clientAuth': 'want',
        'ssl.protocol': 'TLSv1.3',
        'ssl.ciphersuites': 'TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
        'ssl.enabledProtocols': 'TLSv1.2,TLSv1.3',
      },
    });
  });
  after(() => zookeeper.stop());

  const store = (name: string | null, password: string | null = null) => ({
    location: name === null ? null : join(folder, name),
    password,
    type: null,
  });
  const options = (changes: Partial<ZookeeperTlsOptions> = {}): ZookeeperTlsOptions => ({
    protocol: 'TLSv1.2',
    enabledProtocols: null,
    endpointIdentificationAlgorithm: 'HTTPS',
    keystore: store(null),
    truststore: store('ca.pem'),
    ...changes,
  });
  const connect = (changes: Partial<ZookeeperTlsOptions> = {}, more = {}) =>
    connectTo(secure, { tls: readTlsSettings(options(changes)), connectionTimeoutMs: 5_000, ...more });

  for (const [what, keystore] of [
    ['PEM', store('client.pem')],
    ['PKCS12', store('client.p12', 'secret12')],
  ] as const) {
    test(`a certificate (${what}) is who we are, and protects nodes`, async () => {
      const path = (await newRoot(zookeeper)).replace(/^[^/]*/, '');
      const raw = await connectTo(`${secure}${path}`, {
        tls: readTlsSettings(options({ keystore })),
        setAcl: true,
      });
      const owner = new PromisedSession(raw);
      const stranger = new PromisedSession(await connectTo(`${zookeeper.connectString}${path}`));
      await checkProtection(owner, stranger);
      await owner.close();
      await stranger.close();
    });
  }

  test('TLS 1.3 alone', async () => {
    const session = new PromisedSession(await connect({ enabledProtocols: ['TLSv1.3'] }));
    assert.notEqual(await session.stat('/'), null);
    await session.close();
  });

  test('a server that nobody vouches for is refused', async () => {
    const failure = await failsWith(
      connect({ truststore: store('other-ca.pem') }, { connectionTimeoutMs: 1_000 }),
      'CONNECTIONLOSS',
    );
    assert.match(failure.message, /certificate/);
  });

  test('a server with a name of another is refused, unless the name does not matter', async () => {
    const wrong = secure.replace('127.0.0.1', 'localhost');
    const by = (endpointIdentificationAlgorithm: string) =>
      connectTo(wrong, {
        tls: readTlsSettings(options({ endpointIdentificationAlgorithm })),
        connectionTimeoutMs: 2_000,
      });
    assert.match((await failsWith(by('HTTPS'), 'CONNECTIONLOSS')).message, /Hostname\/IP does not match/);
    const session = new PromisedSession(await by(''));
    await session.close();
  });

  test('files that cannot be used are named', () => {
    const cases: [Partial<ZookeeperTlsOptions>, RegExp][] = [
      [
        { keystore: store('absent.pem') },
        /zookeeper\.ssl\.keystore\.location \(.*absent\.pem\) cannot be read/,
      ],
      [{ keystore: store('client.p12', 'wrong') }, /zookeeper\.ssl\.keystore\.location .*cannot be used/],
      [{ truststore: store('trust.jks') }, /zookeeper\.ssl\.truststore\.type \(not set\).*PEM/],
      [{ protocol: 'SSLv3' }, /SSLv3 in zookeeper\.ssl\.protocol.*TLSv1\.2/],
      [{ endpointIdentificationAlgorithm: 'LDAPS' }, /LDAPS.*HTTPS/],
    ];
    for (const [changes, says] of cases) assert.throws(() => readTlsSettings(options(changes)), says);
  });
});

/** An authority, a server at 127.0.0.1 and a client that it vouches for; another authority. */
function makeCertificates(): void {
  const openssl = (...args: string[]) => {
    const ran = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (ran.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${ran.stderr}`);
  };
  for (const name of ['ca', 'other-ca']) {
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    );
  }
  writeFileSync(join(folder, 'server.ext'), 'subjectAltName=IP:127.0.0.1\n');
  writeFileSync(join(folder, 'client.ext'), 'extendedKeyUsage=clientAuth\n');
  for (const name of ['server', 'client']) {
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=odradek-${name}`,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.crt`,
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
    );
    const pem = [`${name}.key`, `${name}.crt`].map((file) => readFileSync(join(folder, file), 'utf8'));
    writeFileSync(join(folder, `${name}.pem`), pem.join(''));
  }
  openssl(
    'pkcs12',
    '-export',
    '-in',
    'client.crt',
    '-inkey',
    'client.key',
    '-out',
    'client.p12',
    '-passout',
    'pass:secret12',
  );
}
