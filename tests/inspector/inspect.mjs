// A running `tidings inspect`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { TIDINGS, environment, home } from "./dev.mjs";

/** Inspects the tables and queues of a `tidings dev`, from another process. */
export async function serve(dev, ...more) {
  const options = ["inspect", "--port", "0", "--json", "--endpoint-url", dev.addresses.DynamoDB, ...more];
  const process = spawn(TIDINGS, options, { cwd: home, env: environment, stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(createInterface(process.stdout), "line");
  const stop = async () => {
    process.kill("SIGTERM");
    await once(process, "exit");
    if (process.exitCode !== 0) throw new Error(`tidings inspect ended with ${process.exitCode}`);
  };
  return { address: JSON.parse(line).address, stop };
}
