/**
 * In an SDK container: makes /build/BOARD/base.tar.zst and base.packages.json from the distfiles.
 * build_sdk_container_image calls it; build_packages does the same when image/base.yaml is newer than the SDK.
 */
import { setUpBoard } from './board.ts';
import { getSourceDateEpoch } from './epoch.ts';
import { runMain } from './fault.ts';
import { log } from './log.ts';
import { readBoard, readOptions } from './options.ts';
import { boards } from './tree.ts';

await runMain('setup_board', async (args) => {
  const { values } = readOptions(args, 'setup_board --board=BOARD', { board: { type: 'string' } });
  await setUpBoard(readBoard(values.board, boards), await getSourceDateEpoch());
  log('board is set up');
  return undefined;
});
