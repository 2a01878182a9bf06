// The one list of clients: the columns of the table, and the program that drives each.
import { join } from 'node:path';
import { projectDirectory } from '../scripts/kafka-jars.ts';
import { javaProgram, pythonProgram } from './programs.ts';

export interface InteropClient {
  readonly name: string;
  /** The program and its first arguments; bootstrap, run id and scenarios are added. Made ready when called. */
  readonly command: () => string[];
}

const driver = (path: string) => join(projectDirectory, 'interop/clients', path);
const java = (source: string, kafka: string) => javaProgram(driver(source), kafka);

export const clients: readonly InteropClient[] = [
  { name: 'kcat', command: () => [process.execPath, driver('kcat/driver.ts')] },
  {
    name: 'confluent-kafka',
    command: () => pythonProgram(driver('python/driver.py')),
  },
  { name: 'java-4.4', command: () => java('java/InteropDriver.java', '4.4') },
  { name: 'java-3.9', command: () => java('java/InteropDriver.java', '3.9') },
  { name: 'java-0.10.0', command: () => java('java-old/OldDriver.java', '0.10.0') },
  { name: 'java-0.9.0', command: () => java('java-old/OldDriver.java', '0.9.0') },
  { name: 'tools-4.3', command: () => java('tools/ToolsDriver.java', '4.3') },
  { name: 'tools-3.9', command: () => java('tools/ToolsDriver.java', '3.9') },
  { name: 'kafkajs', command: () => [process.execPath, driver('kafkajs/driver.ts')] },
  { name: 'platformatic', command: () => [process.execPath, driver('platformatic/driver.ts')] },
];
