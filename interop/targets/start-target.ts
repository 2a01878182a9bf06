import { startKafka } from '../../scripts/kafka.ts';
import { parseKafkaVersion } from '../../scripts/kafka-jars.ts';
import { startOdradek } from './odradek.ts';
import { targetNames, type Target, type TargetName, type TargetOptions } from './target.ts';

export function parseTargetName(text: string): TargetName {
  const found = targetNames.find((name) => name === text);
  if (found === undefined)
    throw new Error(`target ${text} is not known: there are ${targetNames.join(', ')}`);
  return found;
}

export async function startTarget(name: TargetName, options: TargetOptions = {}): Promise<Target> {
  if (name === 'odradek') return startOdradek(options);
  const kafka = await startKafka({ version: parseKafkaVersion(name.slice('kafka-'.length)), ...options });
  return Object.defineProperty(kafka as typeof kafka & { name: string }, 'name', { value: name });
}
