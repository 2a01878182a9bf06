// One cluster of two Odradek brokers and an Apache Kafka 3.9 broker with one ZooKeeper: each is controller, leader and
// follower of the others in turn, by orderly stops and by kill -9, and after each step all hold the same bytes and
// everything that was acknowledged. Then the same with a Kafka that talks to other brokers as 2.6 did. Needs Java:
//   npm run prove:mixed-cluster [-- 3.9 | -- 2.6]
import { Steps } from '../steps.ts';
import { MixedCluster } from './mixed-cluster.ts';
import { OLDER_PROTOCOL, olderProtocol } from './older-protocol.ts';
import { rolesChanged } from './roles-changed.ts';

const protocols = {
  '3.9': { settings: {}, prove: rolesChanged },
  '2.6': { settings: OLDER_PROTOCOL, prove: olderProtocol },
} as const;

const steps = new Steps();
const wanted = process.argv[2];
for (const [version, { settings, prove }] of Object.entries(protocols)) {
  if (wanted !== undefined && wanted !== version) continue;
  const mixed = await MixedCluster.start(settings);
  try {
    await prove(mixed, steps);
  } finally {
    await mixed.stop();
  }
}
steps.close();
