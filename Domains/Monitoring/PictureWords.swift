import Kernel
import Platform
import Store

/// Words that were read in the pictures of a captured page (图片文字): the listing is taken in again with them, so that the models read them as `imageText`.
enum PictureWords {
    /// - Parameter payload: `urls` of the page, `matter` for which it was captured, `words` (a text a picture), `evidence` (its number), `at`.
    static func take(_ payload: JSON, _ intake: Intake) async throws {
        let urls = (payload["urls"]?.array ?? []).compactMap(\.string).filter { !$0.isEmpty }
        let words = (payload["words"]?.array ?? []).compactMap(\.string)
        let matter = payload["matter"]?.int.map(Int64.init)
        guard !urls.isEmpty, !words.isEmpty else { return }
        let now = intake.desk.now
        let at = payload["at"]?.string.flatMap { Moment($0) } ?? now
        let bodies = try await intake.desk.store.read { tx in
            // The lead's own listing if the page is its, and every listing at this address.
            try tx.all(
                """
                SELECT i.body, i.last_at FROM monitoring_listings i WHERE i.url IN (\(list: urls)) AND i.url <> ''
                OR i.id IN (SELECT l.listing FROM monitoring_leads l JOIN monitoring_captures c ON c.matter = l.matter WHERE l.matter = \(matter) AND c.url IN (\(list: urls))) ORDER BY i.id LIMIT 20
                """
            ).map { ($0.string("body"), $0.moment("last_at")) }
        }
        let listings = bodies.compactMap { body, last -> Listing? in
            guard let json = try? JSON(parsing: Array(body.utf8)) else { return nil }
            let kept = (json["imageText"]?.array ?? json["imageText"].map { [$0] } ?? []).compactMap(\.string)
            let fresh = words.filter { !kept.contains($0) }
            guard !fresh.isEmpty else { return nil }
            let all = json.setting("imageText", .array((kept + fresh).prefix(200).map(JSON.string))).setting("observedAt", .string(max(at, last).isoText))
            return try? Listing(all, at: now)
        }
        guard !listings.isEmpty else { return }
        _ = try await intake.take(listings, by: "evidence \(payload["evidence"]?.string ?? "")")
    }
}
