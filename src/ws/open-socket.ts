/** From a finished handshake to an open socket: its channels are checked, its start is looked up, its handler chosen. */
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { ChannelKind } from '../../shared/src/channels.ts'
import { CLOSE } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import type { Admission } from '../connections/admission.ts'
import type { Store } from '../db/store.ts'
import type { Start } from '../sse/delivery/channel-change.ts'
import type { RequestFields } from '../sse/request.ts'
import { startOf } from '../sse/start.ts'
import { BoardSocket, dashboardSocket } from './board-socket.ts'
import { ChannelSocket, type SocketClient } from './channel-socket.ts'
import { boardFraming, channelFraming, markedChannelFraming } from './framings.ts'
import { type MessageHandler, Peer, type PeerDependencies } from './peer.ts'
import type { Presence } from './presence.ts'
import type { SocketRequest } from './request.ts'

export interface SocketDependencies extends PeerDependencies {
  readonly store: Store
  readonly admission: Admission
  readonly presence: Presence
  /** Throws if the subject of the channel does not exist and channels of this kind require that it does. */
  mustExist(kind: ChannelKind, id: string): Promise<void>
}

/** Does not reject: a socket that cannot be opened is closed. */
export async function openSocket(
  dependencies: SocketDependencies,
  { client, ...connection }: { websocket: WebSocket; socket: Socket; client: SocketClient },
  request: SocketRequest,
  fields: RequestFields,
): Promise<void> {
  const { websocket } = connection
  // Until the peer listens, errors must not be thrown and the messages of an impatient client must not be lost.
  websocket.on('error', () => undefined)
  websocket.pause()
  let start: Start
  try {
    for (const { kind, id } of request.selection.channels) await dependencies.mustExist(kind, id)
    start = await startOf(dependencies.store, request.selection, fields)
  } catch (error) {
    if (!(error instanceof Problem)) dependencies.onError(error)
    refuse(websocket, error)
    return
  }
  // The client has gone meanwhile, and its close is not told again.
  if (websocket.readyState === websocket.CLOSED) return
  const isChannels = request.kind === 'channels'
  const peer = new Peer(dependencies, connection, {
    selection: request.selection,
    framing: isChannels ? (request.marksMore ? markedChannelFraming : channelFraming) : boardFraming,
    withOpeningFrames: !isChannels,
    outlivesChannels: isChannels,
    limit: request.limit,
    timeoutMs: request.timeoutMs,
    subject: client.subject,
    place: client.place,
    createHandler: (created) => handlerOf(dependencies, { ...request, ...client }, created),
  })
  void peer.open(start)
  websocket.resume()
}

/** The close code tells the client whether to come back, as it should after a failure of the storage. */
function refuse(websocket: WebSocket, error: unknown): void {
  websocket.resume()
  const mayComeBack = !(error instanceof Problem) || error.body.status >= 500
  const reason = error instanceof Problem ? error.body.title : 'It could not be opened'
  websocket.close(mayComeBack ? CLOSE.failed : CLOSE.refused, reason)
}

function handlerOf(
  dependencies: SocketDependencies,
  request: SocketRequest & SocketClient,
  peer: Peer,
): MessageHandler {
  switch (request.kind) {
    case 'channels':
      return new ChannelSocket(dependencies, request, peer)
    case 'board':
      return new BoardSocket(dependencies, { boardId: request.selection.channels[0]?.id ?? '', ...request }, peer)
    case 'dashboard':
      return dashboardSocket
  }
}
