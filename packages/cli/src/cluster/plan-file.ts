import { readFileSync, writeFileSync } from 'node:fs';
import { CommandError, usageError } from '../terminal.ts';
import type { PlannedPartition } from './reassignment-plan.ts';

/** A plan as `kafka-reassign-partitions` reads and writes it. */
export function planText(plan: readonly PlannedPartition[]): string {
  return `${JSON.stringify({ version: 1, partitions: plan }, null, 2)}\n`;
}

/** @throws CommandError naming the file and what is wrong in it */
export function readPlan(file: string): PlannedPartition[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`cannot read ${file}: ${(error as Error).message}`);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw usageError(`${file} is no JSON: ${(error as Error).message}`);
  }
  const { partitions } = (document ?? {}) as { partitions?: unknown };
  if (!Array.isArray(partitions) || partitions.length === 0) {
    throw usageError(`${file} names no partitions; expected is {"version":1,"partitions":[...]}`);
  }
  const plan = partitions.map((entry, index) => plannedPartition(entry, `${file}: partitions[${index}]`));
  refuseRepeats(plan, file);
  return plan;
}

/** Before anything is changed. @throws CommandError when it cannot be written */
export function writePlan(file: string, plan: readonly PlannedPartition[]): void {
  try {
    writeFileSync(file, planText(plan), { flag: 'wx' });
  } catch (error) {
    throw new CommandError(`cannot write ${file}: ${(error as Error).message}`);
  }
}

function plannedPartition(entry: unknown, where: string): PlannedPartition {
  const { topic, partition, replicas } = (entry ?? {}) as Record<string, unknown>;
  if (typeof topic !== 'string' || topic === '') throw usageError(`${where}.topic is ${shown(topic)}`);
  if (!isId(partition)) throw usageError(`${where}.partition is ${shown(partition)}, expected is 0 or more`);
  const isList = Array.isArray(replicas) && replicas.length > 0 && replicas.every(isId);
  if (!isList) throw usageError(`${where}.replicas is ${shown(replicas)}, expected are broker ids`);
  if (new Set(replicas).size < replicas.length) {
    throw usageError(`${where}.replicas is ${shown(replicas)}: a broker is named twice`);
  }
  return { topic, partition, replicas: replicas as number[] };
}

function refuseRepeats(plan: readonly PlannedPartition[], file: string): void {
  const seen = new Set<string>();
  for (const { topic, partition } of plan) {
    const name = `${topic}-${partition}`;
    if (seen.has(name)) throw usageError(`${file} names ${name} twice`);
    seen.add(name);
  }
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'missing';
}
