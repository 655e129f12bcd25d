import Dispatch
import Foundation
import Kernel
import NIOCore
import NIOPosix
import Outbound
import Synchronization

/// The browser's only way out (取证出口): a SOCKS5 door on loopback that looks every name up itself and connects to what it looked at.
///
/// A page can therefore reach no address inside the office's net, by whatever redirect, second look-up or spelling: the address that
/// is checked is the one that is connected to. It counts bytes, and closes when they are too many.
package final class Gate: Sendable {
    /// One connection that was asked for (连接记录).
    package struct Passage: Sendable {
        package let at: Moment
        package let host: String
        package let port: Int
        package let addresses: [String]
        /// The address it went to; nil where it was refused or failed.
        package let address: String?
        package let refused: Bool
        /// What the browser itself wanted of its maker: never let out.
        package let isErrand: Bool
    }
    /// Where Chromium goes by itself, whatever its switches say.
    static func isErrand(_ host: String) -> Bool {
        let host = host.lowercased()
        return ["accounts.google.com", "clients1.google.com", "clients2.google.com", "mtalk.google.com", "android.clients.google.com", "redirector.gvt1.com"].contains(host)
            || (host.hasSuffix(".googleapis.com")
                && ["update", "safebrowsing", "optimizationguide", "content-autofill", "edgedl", "chromekanonymity", "passwordsleakcheck", "clientservices"].contains {
                    host.hasPrefix($0)
                })
    }
    private struct State {
        var passages: [Passage] = []
        var bytes = 0
        var channels: [ObjectIdentifier: any Channel] = [:]
    }
    private let state = Mutex(State())
    private let server: any Channel
    let allowed: Set<String>
    private let limit: Int
    let clock: OfficeClock

    package var port: Int { server.localAddress?.port ?? 0 }
    package var passages: [Passage] { state.withLock { $0.passages } }
    package var bytes: Int { state.withLock { $0.bytes } }
    package var isOver: Bool { bytes > limit }

    private let lookUp: @Sendable (String, Int) -> [String]
    private init(server: any Channel, allowed: Set<String>, limit: Int, clock: OfficeClock, lookUp: @escaping @Sendable (String, Int) -> [String]) {
        (self.server, self.allowed, self.limit, self.clock, self.lookUp) = (server, allowed, limit, clock, lookUp)
    }

    /// - Parameters:
    ///   - allowed: hosts that may be reached although their address is not public, by name, `shop.test` or `shop.test:8081`.
    ///   - limit: bytes in all, both ways.
    ///   - lookUp: a name's addresses; asked once a connection. Blocks.
    package static func open(
        allowing allowed: [String], limit: Int, clock: OfficeClock, lookUp: @escaping @Sendable (String, Int) -> [String] = Gate.system
    ) async throws -> Gate {
        let holder = Holder()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let gate = holder.gate.withLock({ $0 }) else { throw ChannelError.ioOnClosedChannel }
                    try channel.pipeline.syncOperations.addHandler(Keeper(gate))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let gate = Gate(server: server, allowed: Set(allowed.map { $0.lowercased() }), limit: limit, clock: clock, lookUp: lookUp)
        holder.gate.withLock { $0 = gate }
        return gate
    }
    /// The gate, once it is there: its door is open a moment before.
    private final class Holder: Sendable { let gate = Mutex<Gate?>(nil) }

    package func close() async {
        let open = state.withLock { Array($0.channels.values) }
        for channel in open { channel.close(promise: nil) }
        try? await server.close()
    }

    func enter(_ channel: any Channel) { state.withLock { $0.channels[ObjectIdentifier(channel)] = channel } }
    func leave(_ channel: any Channel) { _ = state.withLock { $0.channels.removeValue(forKey: ObjectIdentifier(channel)) } }
    /// False once too much has passed.
    func count(_ n: Int) -> Bool {
        state.withLock {
            $0.bytes += n
            return $0.bytes <= limit
        }
    }
    /// The first five thousand: no page has so many.
    func note(_ passage: Passage) { state.withLock { if $0.passages.count < 5000 { $0.passages.append(passage) } } }

    /// The system's own resolver.
    package static func system(_ host: String, _ port: Int) -> [String] {
        var (hints, list) = (addrinfo(), UnsafeMutablePointer<addrinfo>?.none)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var (found, next): ([String], UnsafeMutablePointer<addrinfo>?) = ([], list)
        while let one = next {
            var text = [CChar](repeating: 0, count: 64)
            if getnameinfo(one.pointee.ai_addr, one.pointee.ai_addrlen, &text, 64, nil, 0, NI_NUMERICHOST) == 0 {
                let address = text.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                if !found.contains(address) { found.append(address) }
            }
            next = one.pointee.ai_next
        }
        return found
    }

    /// Looks a name up, once, and says where to connect, if anywhere.
    func resolve(_ host: String, _ port: Int) -> (addresses: [String], address: String?, refused: Bool) {
        let found = lookUp(host, port)
        let name = host.lowercased()
        let mayBeInside = allowed.contains(name) || allowed.contains("\(name):\(port)")
        // One that is inside is enough: a name that answers with both is not taken at its better half.
        guard mayBeInside || found.allSatisfy({ Outbound.isPublic($0) }) else { return (found, nil, true) }
        return (found, found.first { $0.contains(".") } ?? found.first, false)
    }
}

/// One connection: greeting, request, then bytes both ways.
private final class Keeper: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private enum Stage { case greeting, request, connecting, open }
    private let gate: Gate
    private var stage = Stage.greeting
    private var waiting = ByteBuffer()
    private var far: (any Channel)?

    init(_ gate: Gate) { self.gate = gate }

    func channelActive(context: ChannelHandlerContext) { gate.enter(context.channel) }
    func channelInactive(context: ChannelHandlerContext) {
        gate.leave(context.channel)
        if let far { far.writeAndFlush(ByteBuffer()).whenComplete { _ in far.close(promise: nil) } }
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        if stage == .open, let far {
            guard gate.count(buffer.readableBytes) else { return context.close(promise: nil) }
            far.writeAndFlush(buffer, promise: nil)
            return
        }
        waiting.writeBuffer(&buffer)
        guard waiting.readableBytes < 1 << 20 else { return context.close(promise: nil) }
        step(context)
    }
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // What comes from afar waits while the browser is slow.
        far?.setOption(.autoRead, value: context.channel.isWritable).whenFailure { _ in }
        context.fireChannelWritabilityChanged()
    }

    private func step(_ context: ChannelHandlerContext) {
        let bytes = Array(waiting.readableBytesView)
        switch stage {
        case .greeting:
            guard bytes.count >= 2, bytes.count >= 2 + Int(bytes[1]) else { return }
            guard bytes[0] == 5 else { return context.close(promise: nil) }
            waiting.moveReaderIndex(forwardBy: 2 + Int(bytes[1]))
            stage = .request
            say([5, 0], context)
            if waiting.readableBytes > 0 { step(context) }
        case .request:
            guard bytes.count >= 5 else { return }
            guard bytes[0] == 5, bytes[1] == 1 else { return refuse(7, context) }
            let (host, used): (String, Int)
            switch bytes[3] {
            case 1:
                guard bytes.count >= 10 else { return }
                (host, used) = (bytes[4..<8].map(String.init).joined(separator: "."), 8)
            case 3:
                let n = Int(bytes[4])
                guard bytes.count >= 5 + n + 2 else { return }
                (host, used) = (String(decoding: bytes[5..<(5 + n)], as: UTF8.self), 5 + n)
            case 4:
                guard bytes.count >= 22 else { return }
                var text: [String] = []
                for i in stride(from: 4, to: 20, by: 2) { text.append(String(Int(bytes[i]) << 8 | Int(bytes[i + 1]), radix: 16)) }
                (host, used) = (text.joined(separator: ":"), 20)
            default: return refuse(8, context)
            }
            let port = Int(bytes[used]) << 8 | Int(bytes[used + 1])
            waiting.moveReaderIndex(forwardBy: used + 2)
            stage = .connecting
            connect(host, port, context)
        case .connecting, .open: break
        }
    }

    private func connect(_ host: String, _ port: Int, _ context: ChannelHandlerContext) {
        let (gate, near, loop) = (gate, context.channel, context.eventLoop)
        let answer = loop.makePromise(of: (addresses: [String], address: String?, refused: Bool).self)
        let errand = Gate.isErrand(host) && !gate.allowed.contains(host.lowercased())
        if errand { answer.succeed(([], nil, false)) } else { DispatchQueue.global(qos: .utility).async { answer.succeed(gate.resolve(host, port)) } }
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        answer.futureResult.flatMap { found -> EventLoopFuture<(any Channel)?> in
            gate.note(
                .init(
                    at: gate.clock.now, host: host, port: port, addresses: found.addresses, address: found.address,
                    refused: found.refused, isErrand: errand))
            guard let address = found.address, let place = try? SocketAddress(ipAddress: address, port: port) else { return loop.makeSucceededFuture(nil) }
            return ClientBootstrap(group: loop).connectTimeout(.seconds(10))
                .channelInitializer { far in far.eventLoop.makeCompletedFuture { try far.pipeline.syncOperations.addHandler(Far(gate, near)) } }
                .connect(to: place).map { $0 as (any Channel)? }
        }.whenComplete { result in
            let (me, context) = bound.value
            switch result {
            case .success(let far?):
                guard context.channel.isActive else { return far.close(promise: nil) }
                me.far = far
                me.stage = .open
                me.say([5, 0, 0, 1, 0, 0, 0, 0, 0, 0], context)
                if me.waiting.readableBytes > 0 {
                    far.writeAndFlush(me.waiting, promise: nil)
                    me.waiting = ByteBuffer()
                }
            case .success(nil): me.refuse(2, context)
            case .failure: me.refuse(5, context)
            }
        }
    }

    private func say(_ bytes: [UInt8], _ context: ChannelHandlerContext) { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil) }
    private func refuse(_ code: UInt8, _ context: ChannelHandlerContext) {
        let channel = context.channel
        channel.writeAndFlush(ByteBuffer(bytes: [5, code, 0, 1, 0, 0, 0, 0, 0, 0])).whenComplete { _ in channel.close(promise: nil) }
    }
}

/// The far end of a connection.
private final class Far: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let gate: Gate
    private let near: any Channel
    init(_ gate: Gate, _ near: any Channel) { (self.gate, self.near) = (gate, near) }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard gate.count(buffer.readableBytes) else { return context.close(promise: nil) }
        near.writeAndFlush(buffer, promise: nil)
    }
    func channelInactive(context: ChannelHandlerContext) {
        // What is still on its way to the browser arrives first: a close drops what was not flushed.
        near.writeAndFlush(ByteBuffer()).whenComplete { [near] _ in near.close(promise: nil) }
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
