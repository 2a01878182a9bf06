// The three brokers that KafkaJS's tests expect: Apache Kafka 3.9 with each kind of listener on the ports that they know.
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Cluster } from '@odradek/client/index.ts';
import { alterUserScramCredentialsApi } from '@odradek/protocol/generated/apis/alter-user-scram-credentials.ts';
import { startKafka, type RunningKafka } from '../../scripts/kafka.ts';
import { startZookeeper } from '../../scripts/zookeeper.ts';

const FIRST_PORT = 9092;
const PORTS_EACH = 3;
const BROKERS = 3;

export interface TestBrokers {
  readonly stop: () => Promise<void>;
}

/** @param certificates the folder of the suite's key stores */
export async function startTestBrokers(certificates: string): Promise<TestBrokers> {
  const zookeeper = await startZookeeper();
  const started: RunningKafka[] = [];
  const stop = async (): Promise<void> => {
    for (const kafka of started) await kafka.stop();
    await zookeeper.stop();
  };
  try {
    for (let id = 0; id < BROKERS; id++) {
      const port = FIRST_PORT + id * PORTS_EACH;
      const overrides = settings(id, port, zookeeper.connectString, certificates);
      started.push(await startKafka({ version: '3.9', port, heapMb: 384, quickStart: true, overrides }));
    }
    await addUsers(`localhost:${FIRST_PORT}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

function settings(id: number, port: number, zookeeper: string, certificates: string): Record<string, string> {
  const module = (name: string): string => `org.apache.kafka.common.security.${name}`;
  return {
    'broker.id': String(id),
    'zookeeper.connect': zookeeper,
    listeners: `PLAINTEXT://localhost:${port},SSL://localhost:${port + 1},SASL_SSL://localhost:${port + 2}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL',
    'inter.broker.listener.name': 'PLAINTEXT',
    'auto.create.topics.enable': 'true',
    'default.replication.factor': '2',
    'num.partitions': '2',
    'offsets.topic.replication.factor': '3',
    'transaction.state.log.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
    'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer',
    'allow.everyone.if.no.acl.found': 'true',
    'ssl.keystore.location': join(certificates, 'kafka.server.keystore.jks'),
    'ssl.keystore.password': 'testtest',
    'ssl.key.password': 'testtest',
    'ssl.truststore.location': join(certificates, 'kafka.server.truststore.jks'),
    'ssl.truststore.password': 'testtest',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl_ssl.plain.sasl.jaas.config': `${module('plain.PlainLoginModule')} required user_test="testtest" user_bob="bobbob" user_alice="alicealice";`,
    'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': `${module('scram.ScramLoginModule')} required;`,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${module('scram.ScramLoginModule')} required;`,
  };
}

async function addUsers(bootstrapServers: string): Promise<void> {
  const cluster = new Cluster({ bootstrapServers });
  const iterations = 8_192;
  for (const [mechanism, hash, length, password] of [
    [1, 'sha256', 32, 'testtestscram=256'],
    [2, 'sha512', 64, 'testtestscram=512'],
  ] as const) {
    const salt = randomBytes(16);
    const saltedPassword = pbkdf2Sync(password, salt, iterations, length, hash);
    const answer = await cluster.requestToController(
      alterUserScramCredentialsApi,
      {
        deletions: [],
        upsertions: [{ name: 'testscram', mechanism, iterations, salt, saltedPassword }],
      },
      ({ results }) => results.map(({ errorCode }) => errorCode),
    );
    if (answer.results[0]?.errorCode !== 0) throw new Error(answer.results[0]?.errorMessage ?? 'no user');
  }
  cluster.close();
}
