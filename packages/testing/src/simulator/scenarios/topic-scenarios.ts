import { alterReassignments, deleteTopic } from '@odradek/client';
import { encodeConfigNode } from '@odradek/core/controller/config-node.ts';
import { assignmentOf, encodeTopicNode } from '@odradek/core/controller/topic-node.ts';
import { treePaths } from '@odradek/core/controller/tree-paths.ts';
import { judgeRecreated } from '../checkers/recreated-topic.ts';
import { ReadingClient } from '../clients/reading-client.ts';
import { ScriptedSender } from '../clients/scripted-sender.ts';
import { DATA_DIRECTORIES } from '../cluster/simulated-broker.ts';
import { partitionsIn } from '../operations/tree-view.ts';
import type { Director } from './director.ts';
import type { Scenario } from './scenario.ts';

const OLD_SEGMENT_BYTES = 2_048;

/** Topics that come, go, and come again. */
export const TOPIC_SCENARIOS: readonly Scenario[] = [
  {
    row: 'F54',
    name: 'topics that are made while the controller reads what an earlier watch told it of are found, too',
    brokers: 3,
    play: async (director) => {
      for (const name of ['first', 'second', 'third']) {
        director.writeTree([
          {
            type: 'create',
            path: treePaths.topic(name),
            data: encodeTopicNode({ topicId: null, partitions: new Map([[0, assignmentOf([1, 2, 3])]]) }),
            mode: 'persistent',
          },
        ]);
        await director.passes(4);
      }
      await director.until('all are led', () =>
        ['first', 'second', 'third'].every((name) =>
          director.replicasOf(name).some(({ isLeader }) => isLeader),
        ),
      );
    },
  },
  {
    row: 'F63',
    name: 'what a controller left of a topic that it deleted is neither inherited by the next one, nor deletes it',
    brokers: 3,
    play: async (director) => {
      const { controller } = director;
      // Apache Kafka removes topic, settings and mark one after the other; this is a cut after the first.
      const data = encodeConfigNode(new Map([['segment.bytes', String(OLD_SEGMENT_BYTES)]]));
      director.writeTree([
        { type: 'create', path: treePaths.topicConfig('doomed'), data, mode: 'persistent' },
        { type: 'create', path: treePaths.deleteTopic('doomed'), data: null, mode: 'persistent' },
      ]);
      controller.kill();
      await director.until('another broker is the controller', () => director.controllerIsNot(controller));
      await director.starts(controller);
      await director.topicIsThere('doomed');
      await director.until('it is led', () => director.replicasOf('doomed').some(({ isLeader }) => isLeader));
      await director.passes(1_000);
      const replicas = director.replicasOf('doomed');
      if (
        replicas.length === 0 ||
        replicas.some(({ log }) => log.config.segmentBytes === OLD_SEGMENT_BYTES)
      ) {
        director.stage.problems.add('inherited', 'settings or the mark of a topic that was deleted');
      }
    },
  },
  {
    row: 'F65',
    name: 'a replica of a topic that was deleted comes back to a new topic of that name with nothing of the old',
    brokers: 3,
    play: async (director) => {
      const { stage } = director;
      const load = stage.loadOf({ name: 'again', partitions: 1 });
      const sender = new ScriptedSender(stage.world, load, { name: 'again', number: 13, acks: 'all' });
      await director.topicIsThere('again');
      for (let i = 0; i < 10; i++) sender.send();
      await director.until('the old topic has its records', () => sender.isDone);
      await director.passes(1_000);
      const away = director.brokers.find((broker) => broker !== director.controller)!;
      away.kill();
      const others = director.brokers.filter((broker) => broker !== away).map(({ nodeId }) => nodeId);
      await director.asks('the replica is given up', (cluster) =>
        alterReassignments(cluster, [{ topic: 'again', partition: 0, replicas: others }]),
      );
      await director.until('it is given up', () => isOn(director, 'again', others));
      await director.asks('the topic is deleted', (cluster) => deleteTopic(cluster, 'again'));
      await director.until('it is gone', () =>
        partitionsIn(stage.world.ensemble).every(({ topic }) => topic !== 'again'),
      );
      await director.topicIsThere('again', [[...others, away.nodeId]]);
      const next = new ScriptedSender(stage.world, load, { name: 'anew', number: 14, acks: 'all' });
      for (let i = 0; i < 5; i++) next.send();
      await director.until('the new topic has its records', () => next.isDone);
      await director.starts(away);
      await director.passes(2_000);
      // As Kafka: what is there is of another topic, so nothing is served, until somebody takes it away.
      if (away.replicas.some(({ topic }) => topic === 'again')) {
        stage.problems.add('resurrected', `broker ${away.nodeId} serves the log of a topic that was deleted`);
      }
      away.kill();
      for (const directory of DATA_DIRECTORIES) away.disk.remove(`${directory}/again-0`);
      await director.starts(away);
      await director.until('the replica is in sync', () =>
        director.replicasOf('again').some(({ isLeader, isr }) => isLeader && isr.includes(away.nodeId)),
      );
      const reader = new ReadingClient(stage.world, load, { name: 'again-reader', number: 96 });
      await stage.within('all of it is read', () => stage.unread(reader, 'again'));
      reader.stop();
      judgeRecreated(load.history, { madeMs: stage.madeMs('again'), deletedBelow: 0 }, stage.problems);
    },
  },
];

function isOn(director: Director, name: string, ids: readonly number[]): boolean {
  return partitionsIn(director.stage.world.ensemble)
    .filter(({ topic }) => topic === name)
    .every(({ assignment }) => assignment.replicas.every((id) => ids.includes(id)));
}
