// Evaluates every case of a run for every row. Standard input: {module, rows, envs, cases: [{tree, env}]}.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { module, rows, envs, cases } = JSON.parse(readFileSync(0, "utf8"));
const { compile, toJson } = await import(pathToFileURL(module));

const answers = cases.map(({ tree, env }) => {
  try {
    const evaluate = compile(tree);
    return rows.map((row) => toJson(evaluate(row, envs[env])));
  } catch (error) {
    return { error: String(error.stack) };
  }
});
process.stdout.write(JSON.stringify(answers));
