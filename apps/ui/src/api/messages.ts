import { createParser, type EventSourceMessage } from 'eventsource-parser';

export type Message = EventSourceMessage;

/** Server-sent events of an answer. Not by EventSource: it cannot send the token. */
export async function* messagesOf(response: Response): AsyncGenerator<Message> {
  if (!response.body) return;
  const received: Message[] = [];
  const parser = createParser({ onEvent: (message) => received.push(message) });
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      parser.feed(decoder.decode(piece.value, { stream: true }));
      yield* received.splice(0);
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it may have been lost already
  }
}
