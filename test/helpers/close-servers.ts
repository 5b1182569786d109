import type { Server } from 'node:http';
import { afterEach } from '@jest/globals';

/** Servers of a test file that are closed after each test, with the connections that are open. @returns takes one more, and gives it back */
export const useServers = (): ((server: Server) => Server) => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });
  return (server) => {
    servers.push(server);
    return server;
  };
};
