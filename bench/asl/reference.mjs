// Runs the same definitions with the npm package and prints one line of JSON each: what it took, and what came out.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';

const [, , home, ...jobs] = process.argv;
const entry = createRequire(home + '/package.json').resolve('aws-local-stepfunctions');
const { StateMachine } = await import(pathToFileURL(entry).href);

for (const job of jobs) {
  const { name, definition, input } = JSON.parse(readFileSync(job, 'utf8'));
  const machine = new StateMachine(definition, { validationOptions: { noValidate: true } });
  const began = process.hrtime.bigint();
  const output = await machine.run(input).result;
  const ms = Number(process.hrtime.bigint() - began) / 1e6;
  console.log(JSON.stringify({ name, ms, output }));
}
