import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../src/adapters/system-clock.ts';
import { silentLog } from '../src/adapters/silent-log.ts';
import { loadBrokerConfig } from '../src/config/load-broker-config.ts';
import { openCoordination } from '../src/open-coordination.ts';
import { zookeeperLogin } from '../src/zookeeper-login.ts';

const folder = mkdtempSync(join(tmpdir(), 'odradek-login-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function optionsFor(contents: string): { KAFKA_OPTS: string } {
  const file = join(folder, 'jaas.conf');
  writeFileSync(file, contents);
  return { KAFKA_OPTS: `-Xmx1g -Djava.security.auth.login.config=${file} -Dother=1` };
}

const module = 'org.apache.zookeeper.server.auth.DigestLoginModule required';

test('the login towards ZooKeeper is where operators of Kafka have it', () => {
  const env = optionsFor(`Client { ${module} username="kafka" password="secret"; };`);
  assert.deepEqual(zookeeperLogin(env), { user: 'kafka', password: 'secret' });
});

test('there need not be one', () => {
  assert.equal(zookeeperLogin({}), null);
  assert.equal(zookeeperLogin({ KAFKA_OPTS: '-Xmx1g' }), null);
  assert.equal(zookeeperLogin(optionsFor(`KafkaServer { ${module}; };`)), null);
});

test('one that cannot be used stops the start, and is not shown', () => {
  const cases: [string, RegExp][] = [
    ['Client { com.sun.security.auth.module.Krb5LoginModule required; };', /Krb5LoginModule; what there is/],
    [`Client { ${module} username="kafka"; };`, /needs username and password/],
    [`Client { ${module} password="secret" }`, /jaas\.conf .*KAFKA_OPTS.*expected/],
  ];
  for (const [contents, says] of cases) {
    assert.throws(
      () => zookeeperLogin(optionsFor(contents)),
      (error: Error) => says.test(error.message) && !error.message.includes('secret'),
    );
  }
  assert.throws(
    () => zookeeperLogin({ KAFKA_OPTS: '-Djava.security.auth.login.config=/no/such/file' }),
    /login file \/no\/such\/file .*ENOENT/,
  );
});

test('nodes are not protected by nobody', async () => {
  const { config } = loadBrokerConfig({
    'broker.id': '1',
    'zookeeper.connect': '127.0.0.1:1',
    'zookeeper.set.acl': 'true',
  });
  await assert.rejects(
    openCoordination(config, ':memory:', systemClock, silentLog, {}),
    /zookeeper\.set\.acl=true needs an identity/,
  );
});
