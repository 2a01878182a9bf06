// Installs what the interop scenarios and the benchmarks need beside Node: kcat, PostgreSQL and Redis (Debian), the Python
// client (in .cache/python), the jars and compiled drivers of the Java clients, Apache Kafka itself.
//   npx node scripts/install-interop.ts
// Does nothing, in about a second, where all is there. Fails with the words of what failed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clients } from '../interop/clients.ts';
import { clockFault } from '../interop/cluster/broker-node.ts';
import { cacheDirectory, kafkaClassPath, projectDirectory } from './kafka-jars.ts';

const debianPackages: Readonly<Record<string, string>> = {
  kcat: 'kcat',
  java: 'openjdk-17-jdk-headless',
  javac: 'openjdk-17-jdk-headless',
  mvn: 'maven',
  python3: 'python3-venv',
  taskset: 'util-linux',
  'redis-server': 'redis-server',
  // The client comes with the server, which is not on the path.
  psql: 'postgresql',
  cc: 'build-essential',
  ip: 'iproute2',
};

installDebianPackages();
installLibrdkafkaHeaders();
installClocks();
installPythonClient();
kafkaClassPath('3.9');
kafkaClassPath('4.4');
// Each client's command compiles its driver.
for (const client of clients) client.command();
console.log('all that the interop scenarios need is installed');

function installDebianPackages(): void {
  const absent = Object.keys(debianPackages).filter((program) => !has(program));
  if (absent.length === 0) return;
  installPackages(absent, [...new Set(absent.map((program) => debianPackages[program]!))]);
  const still = absent.filter((program) => !has(program));
  if (still.length > 0) throw new Error(`still not found after the installation: ${still.join(', ')}`);
}

/** For the generator of the benchmarks that is made with it. */
function installLibrdkafkaHeaders(): void {
  if (!existsSync('/usr/include/librdkafka/rdkafka.h')) installPackages(['librdkafka'], ['librdkafka-dev']);
}

/** For clocks that step, in the cluster of real processes. */
function installClocks(): void {
  if (clockFault() !== null) installPackages(['libfaketime'], ['libfaketime']);
}

function installPackages(absent: readonly string[], packages: readonly string[]): void {
  if (!has('apt-get'))
    throw new Error(`not found: ${absent.join(', ')}, and no apt-get to install them with`);
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
}

function installPythonClient(): void {
  const requirements = join(projectDirectory, 'interop/clients/python/requirements.txt');
  const home = join(cacheDirectory, 'python');
  const installed = join(home, 'installed-requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === wanted) return;
  run('python3', ['-m', 'venv', '--clear', home]);
  run(join(home, 'bin/python'), [
    '-m',
    'pip',
    'install',
    '-q',
    '--disable-pip-version-check',
    '-r',
    requirements,
  ]);
  writeFileSync(installed, wanted);
}

function has(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;
}

function run(program: string, args: string[]): void {
  console.log([program, ...args].join(' '));
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const result = spawnSync(program, args, { encoding: 'utf8', env: environment, timeout: 600_000 });
  if (result.status === 0) return;
  const words = result.error?.message ?? `${result.stdout.slice(-1500)}${result.stderr.slice(-1500)}`;
  throw new Error(`${program} ${args.join(' ')} failed: ${words}`);
}
