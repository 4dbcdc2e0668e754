// Follows the feed of a conversation, over server-sent events or a WebSocket. Connects again with growing pauses, and
// resumes by number: every update comes once, in order. For browsers and Node, without a library.

export function follow({ url, socketUrl, conversation, token, onUpdate, onState = () => {}, transport = "sse", after = 0 }) {
  let cursor = after, failures = 0, stopped = false, close = () => {};
  const take = ({ id, event, data }) => {
    if (id <= cursor) return;
    cursor = id;
    onUpdate({ id, event, data });
  };

  async function sse() {
    const abort = new AbortController();
    close = () => abort.abort();
    const answer = await fetch(`${url}/feed/${encodeURIComponent(conversation)}?after=${cursor}`, {
      headers: { authorization: `Bearer ${await token()}` }, signal: abort.signal,
    });
    if (!answer.ok) throw new Error(`the feed answered ${answer.status}`);
    onState("open");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "", retry = 0;
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const blocks = (text + read.value).split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const line = (name) => block.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        retry = Number(line("retry") ?? retry);
        if (line("data")) take({ id: Number(line("id")), event: line("event"), data: JSON.parse(line("data")) });
        else if (line("id")) cursor = Math.max(cursor, Number(line("id")));
        failures = 0;
      }
    }
    return retry;
  }

  async function socket() {
    const open = new WebSocket(`${socketUrl ?? url.replace("http", "ws") + "/socket"}?token=${await token()}`);
    close = () => open.close();
    const say = (message) => open.readyState === 1 && open.send(JSON.stringify(message));
    const ping = setInterval(() => say({ ping: 1 }), 30_000);
    await new Promise((ended) => {
      open.onopen = () => say({ subscribe: conversation, after: cursor });
      open.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.event === "subscribed") { failures = 0; onState("open"); }
        else if (message.event === "error") open.close();
        else if (message.id) take(message);
      };
      open.onclose = open.onerror = ended;
    });
    clearInterval(ping);
    throw new Error("the socket was closed");
  }

  (async () => {
    while (!stopped) {
      let pause;
      try { pause = await (transport === "sse" ? sse() : socket()); }
      catch { pause = Math.min(30_000, 500 * 2 ** failures++) * (0.5 + Math.random() / 2); }
      if (stopped) return;
      onState("waiting");
      await new Promise((over) => setTimeout(over, pause));
    }
  })();
  return { stop() { stopped = true; close(); }, cursor: () => cursor };
}
