import type { Scenario } from './scenario.ts';

/** The controller, and what brokers have in ZooKeeper. */
export const CONTROLLER_SCENARIOS: readonly Scenario[] = [
  {
    row: 'F41, F42',
    name: 'a controller that sleeps through its session wakes up and neither writes nor is obeyed',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(2);
      const zombie = director.controller;
      zombie.pause();
      await director.until('there is another controller', () => director.controllerIsNot(zombie));
      const [other] = director.brokers.filter(
        (broker) => broker !== zombie && broker !== director.controller,
      );
      other!.kill();
      await director.passes(4_000);
      zombie.resume();
      await director.passes(3_000);
      await director.starts(other!);
      await director.sendAll(2);
    },
  },
  {
    row: 'F43',
    name: 'a broker that comes back while the controller does not look is told what it hosts',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(2);
      const { controller } = director;
      const bounced = director.brokers.find((broker) => broker !== controller)!;
      bounced.kill();
      await director.passes(2_300);
      // Watches come late: the controller sees the node gone and there again at once.
      director.stage.world.network.block('zookeeper', controller.host);
      bounced.start();
      await director.passes(900);
      director.stage.world.network.unblock('zookeeper', controller.host);
      await director.until('it is in sync', () => bounced.broker !== null && director.isInSync(bounced));
    },
  },
  {
    row: 'F46',
    name: 'a broker that is back before its old session is over is registered by its new one',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(2);
      const bounced = director.followers[0]!;
      bounced.kill();
      bounced.start();
      await director.passes(8_000);
      await director.until('it is in sync', () => bounced.broker !== null && director.isInSync(bounced));
    },
  },
  {
    row: 'F47',
    name: 'a controller whose session ends while it runs takes office anew, or leaves it to another',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(2);
      for (let time = 0; time < 3; time++) {
        const { controller } = director;
        director.separate(controller, 'zookeeper');
        await director.until('there is another controller', () => director.controllerIsNot(controller));
        director.join(controller, 'zookeeper');
        await director.passes(2_000);
      }
      await director.sendAll(2);
    },
  },
  {
    row: 'F50, F51',
    name: 'connections with ZooKeeper that break again and again while the controller writes',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(2);
      const { controller } = director;
      const victim = director.brokers.find((broker) => broker !== controller)!;
      victim.kill();
      for (let time = 0; time < 60; time++) {
        await director.passes(70);
        for (const broker of director.brokers) if (broker.isUp) broker.loseSessionConnection();
        if (time === 50) victim.start();
      }
      await director.sendAll(2);
    },
  },
];
