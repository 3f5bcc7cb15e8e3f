#!/usr/bin/env node
// The Solidity compiler of npm behind the command line of the native one: `--version` and `--standard-json`
// are all that Foundry and py-solc-x ask for, so that no compiler is downloaded.
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import solc from "solc";

// Imports that are not in the input, as seen from --base-path: Foundry leaves out what a library outside its root imports.
const basePath = process.argv.includes("--base-path") ? process.argv[process.argv.indexOf("--base-path") + 1] : ".";
function findImport(path) {
  try {
    return { contents: readFileSync(join(basePath, path), "utf8") };
  } catch (error) {
    return { error: error.message };
  }
}

if (process.argv.includes("--version")) {
  const version = solc.version().replace(".Emscripten.clang", ".Linux.g++");
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${version}`);
} else if (process.argv.includes("--standard-json")) {
  const output = Buffer.from(solc.compile(readFileSync(0, "utf8"), { import: findImport }));
  // A pipe takes less than an artifact at once, and process.stdout would be cut off at exit.
  for (let at = 0; at < output.length; ) {
    try {
      at += writeSync(1, output, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
} else {
  console.error("solc.mjs answers --version and --standard-json only");
  process.exit(2);
}
