import type { GroupCircumstances } from '../circumstances.ts';
import type { GroupChecker } from '../checkers/group-checker.ts';
import type { MortalProgram, World } from '../cluster/world.ts';
import { GroupMember } from './group-member.ts';
import type { Load } from './load.ts';

/** A member of a group that is killed now and then: each of its lives is another member. */
export class GroupWorker implements MortalProgram {
  readonly name: string;
  private readonly world: World;
  private readonly load: Load;
  private readonly checker: GroupChecker;
  private readonly number: number;
  private readonly group: GroupCircumstances;
  private member: GroupMember | null = null;
  private lives = 0;
  private isStopping = false;

  constructor(
    world: World,
    load: Load,
    checker: GroupChecker,
    { name, number, group }: { name: string; number: number; group: GroupCircumstances },
  ) {
    this.world = world;
    this.load = load;
    this.checker = checker;
    this.name = name;
    this.number = number;
    this.group = group;
    world.mortals.push(this);
    this.start();
  }

  get isDone(): boolean {
    return this.member === null || this.member.isDone;
  }

  start(): void {
    if (this.member !== null || this.isStopping) return;
    const { world, load, checker, name, number, group, lives } = this;
    this.lives += 1;
    const nameOfLife = lives === 0 ? name : `${name}-${lives}`;
    this.member = new GroupMember(world, load, checker, {
      name: nameOfLife,
      number: number + 100 * lives,
      group,
      ...(group.isStatic ? { instanceId: name } : {}),
    });
  }

  kill(): void {
    this.member?.kill();
    this.member = null;
  }

  /** Takes its leave of the group, and does not begin again. */
  stop(): void {
    this.isStopping = true;
    this.member?.stop();
  }
}
