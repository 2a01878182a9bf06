import type { Random } from '@odradek/core/ports/random.ts';
import { means, type Fault, type FaultEffect, type FaultRule, type FaultSubject } from './fault-rule.ts';
import { readFaultRule } from './read-fault-rule.ts';

interface LaidFault {
  readonly id: number;
  readonly rule: FaultRule;
  passed: number;
  hits: number;
}

const FAULTS_MAX = 1_000;

/**
 * The faults that are laid in a broker or a cluster. Of several that mean one request the one laid first hits it;
 * a fault that is over hits no more, and is kept until it is removed, so that a test can ask for its hits.
 */
export class Faults {
  private readonly random: Random;
  private readonly laid = new Map<number, LaidFault>();
  private idNext = 1;
  private readonly clearedListeners = new Set<() => void>();

  constructor(random: Random) {
    this.random = random;
  }

  /**
   * Lays a fault.
   *
   * @throws FaultRuleError when the rule cannot be; RangeError when 1,000 are laid
   */
  add(rule: FaultRule): Fault {
    const checked = readFaultRule(rule);
    if (this.laid.size >= FAULTS_MAX)
      throw new RangeError(`${FAULTS_MAX} faults are laid, and no more may be`);
    const fault = { id: this.idNext++, rule: checked, passed: 0, hits: 0 };
    this.laid.set(fault.id, fault);
    return shown(fault);
  }

  /** As it stands now; undefined when there is none of this id. */
  get(id: number): Fault | undefined {
    const fault = this.laid.get(id);
    return fault === undefined ? undefined : shown(fault);
  }

  list(): readonly Fault[] {
    return [...this.laid.values()].map(shown);
  }

  /** Takes a fault away. @returns whether there was one */
  remove(id: number): boolean {
    return this.laid.delete(id);
  }

  /** Takes all away. Connections whose requests or answers were dropped end, so that their clients go on. */
  clear(): void {
    this.laid.clear();
    for (const cleared of [...this.clearedListeners]) cleared();
  }

  /** What happens to a request; null: nothing does. Counts it. */
  strike(subject: FaultSubject): FaultEffect | null {
    for (const fault of this.laid.values()) {
      if (isOver(fault) || !means(fault.rule, subject)) continue;
      if (fault.passed < (fault.rule.skip ?? 0)) {
        fault.passed++;
        continue;
      }
      if (this.random.fraction() >= (fault.rule.probability ?? 1)) continue;
      fault.hits++;
      return fault.rule.effect;
    }
    return null;
  }

  /** Whether a fetch must say what it is about: some rule asks for a topic, and a fetch in a session does not tell. */
  get asksForTopics(): boolean {
    return [...this.laid.values()].some((fault) => !isOver(fault) && fault.rule.topic !== undefined);
  }

  /** Calls back when all faults are taken away; the returned function takes that back. */
  onCleared(cleared: () => void): () => void {
    this.clearedListeners.add(cleared);
    return () => this.clearedListeners.delete(cleared);
  }
}

function isOver({ rule, hits }: LaidFault): boolean {
  return rule.times !== undefined && hits >= rule.times;
}

function shown(fault: LaidFault): Fault {
  return { id: fault.id, rule: fault.rule, hits: fault.hits, isOver: isOver(fault) };
}
