import assert from 'node:assert/strict';
import { createHmac, pbkdf2Sync } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { saslAuthenticateApi } from '@odradek/protocol/generated/apis/sasl-authenticate.ts';
import { saslHandshakeApi } from '@odradek/protocol/generated/apis/sasl-handshake.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import type { SaslOptions } from '../../src/network/sasl/sasl-options.ts';
import { scramExchange } from '../../src/network/sasl/scram.ts';
import { ScriptedBroker, SILENCE } from '../support/scripted-broker.ts';

let broker: ScriptedBroker;
let clusters: Cluster[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  clusters = [];
  broker.on(saslHandshakeApi, () => ({ errorCode: 0, mechanisms: ['PLAIN'] }));
});

afterEach(async () => {
  for (const cluster of clusters) cluster.close();
  await broker.close();
});

function clusterOf(sasl: SaslOptions): Cluster {
  const cluster = new Cluster({ bootstrapServers: broker.bootstrapServers, retryBackoffMs: 5, sasl });
  clusters.push(cluster);
  return cluster;
}

const PLAIN: SaslOptions = { mechanism: 'plain', username: 'u', password: 'secret' };

test('client pitfall A31: SCRAM as in the example of RFC 7677', async () => {
  const exchange = scramExchange('sha256', 'user', 'pencil', 'rOprNGfwEbeRWgbNEkqO');
  assert.equal(String(await exchange.first()), 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  const challenge = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';
  assert.equal(
    String(await exchange.next(Buffer.from(challenge))),
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  );
  const last = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';
  assert.equal(await exchange.next(Buffer.from(last)), null);
});

test('client pitfall A31: a broker that does not prove itself, and challenges that are not to be taken', async () => {
  const challenged = async (text: string): Promise<unknown> => {
    const exchange = scramExchange('sha512', 'a,b=c', 'p', 'abc');
    assert.equal(String(await exchange.first()), 'n,,n=a=2Cb=3Dc,r=abc');
    return exchange.next(Buffer.from(text));
  };
  await assert.rejects(challenged('r=xyz1,s=AAAA,i=4096'), /nonce/);
  await assert.rejects(challenged('r=abc,s=AAAA,i=4096'), /nonce/);
  await assert.rejects(challenged('r=abcd,s=,i=4096'), /salt/);
  for (const iterations of ['4095', '1000001', 'x', '']) {
    await assert.rejects(challenged(`r=abcd,s=AAAA,i=${iterations}`), /iterations/);
  }
  await assert.rejects(challenged('e=unknown-user'), /unknown-user/);

  const exchange = scramExchange('sha512', 'u', 'p', 'abc');
  await exchange.first();
  await exchange.next(Buffer.from('r=abcd,s=AAAA,i=4096'));
  const salted = pbkdf2Sync('other', Buffer.from('AAAA', 'base64'), 4_096, 64, 'sha512');
  const wrong = createHmac('sha512', salted).update('x').digest('base64');
  await assert.rejects(exchange.next(Buffer.from(`v=${wrong}`)), /does not know the password/);
});

test('client pitfall A30: refused: one clear error with what the broker said, no password, no further attempt', async () => {
  broker.on(saslAuthenticateApi, () => ({
    errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
    errorMessage: 'go away',
    authBytes: Buffer.alloc(0),
  }));
  await assert.rejects(clusterOf(PLAIN).topic('t'), (error: Error) => {
    assert.equal((error as { code?: string }).code, 'AUTHENTICATION_FAILED');
    assert.match(error.message, /go away/);
    assert.ok(!JSON.stringify(error).includes('secret') && !String(error.stack).includes('secret'));
    return true;
  });
  assert.equal(broker.connections, 1);
  assert.equal(String(broker.bodies(saslAuthenticateApi)[0]!.authBytes), '\0u\0secret');
});

test('a mechanism that the broker does not take: those that it does are named', async () => {
  broker.on(saslHandshakeApi, () => ({
    errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
    mechanisms: ['GSSAPI', 'SCRAM-SHA-512'],
  }));
  await assert.rejects(clusterOf(PLAIN).topic('t'), /does not take PLAIN here, but GSSAPI, SCRAM-SHA-512/);
});

test('client pitfall A29: before a session ends there is another connection; nothing in flight is disturbed', async () => {
  broker.on(saslAuthenticateApi, () => ({
    errorCode: 0,
    errorMessage: null,
    authBytes: Buffer.alloc(0),
    sessionLifetimeMs: 60,
  }));
  const cluster = clusterOf(PLAIN);
  const endMs = performance.now() + 300;
  while (performance.now() < endMs) await cluster.allTopics();
  assert.ok(broker.connections >= 4 && broker.connections <= 10, `${broker.connections} connections`);
});

test('client pitfall A6: a broker that falls silent in the middle of it: the set-up ends at its deadline', async () => {
  broker.on(saslAuthenticateApi, () => SILENCE);
  const cluster = new Cluster({
    bootstrapServers: broker.bootstrapServers,
    connectionSetupTimeoutMs: 50,
    apiTimeoutMs: 200,
    sasl: PLAIN,
  });
  clusters.push(cluster);
  await assert.rejects(cluster.topic('t'), { code: 'REQUEST_TIMEOUT' });
});

test('options that cannot be meant are refused without their secrets', () => {
  const wrong = [
    { mechanism: 'GSSAPI', username: 'u', password: 'secret' },
    { mechanism: 'plain', username: '', password: 'secret' },
    { mechanism: 'oauthbearer', token: 'secret' },
  ] as unknown as SaslOptions[];
  for (const sasl of wrong) {
    assert.throws(
      () => clusterOf(sasl),
      (error: Error) => error.message.startsWith('sasl: ') && !error.message.includes('secret'),
    );
  }
});
