import { connect, createServer, type Socket } from 'node:net';

/** A line to a server that can be cut. */
export interface TestProxy {
  readonly port: number;
  /** Bytes that went from clients to the server. */
  readonly upBytes: () => number;
  /** Cuts every connection once so many more bytes have gone up. */
  cutAfter(bytes: number): void;
  /** Bytes of new and present connections vanish from now on; nobody is told. */
  freeze(): void;
  /** Lets only so many bytes per second go up, from now on. */
  throttle(bytesPerSecond: number): void;
  stop(): Promise<void>;
}

/** Starts a TCP proxy to a port of this machine. */
export const startProxy = async (targetPort: number): Promise<TestProxy> => {
  const sockets = new Set<Socket>();
  let upBytes = 0;
  let cutAt = Number.POSITIVE_INFINITY;
  let isFrozen = false;
  let bytesPerSecond = Number.POSITIVE_INFINITY;
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    return socket;
  };
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    track(client);
    const target = track(connect(targetPort, '127.0.0.1'));
    client.on('data', (chunk) => {
      upBytes += chunk.length;
      if (upBytes >= cutAt) {
        cutAt = Number.POSITIVE_INFINITY;
        cutAll();
      } else if (!isFrozen) {
        target.write(chunk);
        client.pause();
        setTimeout(() => client.resume(), (chunk.length * 1000) / bytesPerSecond);
      }
    });
    target.on('data', (chunk) => {
      if (!isFrozen) client.write(chunk);
    });
    client.on('close', () => target.destroy());
    target.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    upBytes: () => upBytes,
    cutAfter: (bytes) => {
      cutAt = upBytes + bytes;
    },
    freeze: () => {
      isFrozen = true;
    },
    throttle: (limit) => {
      bytesPerSecond = limit;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cutAll();
      }),
  };
};
