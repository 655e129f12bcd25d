import Kernel
import Platform
import Store

/// Words that were read in the pictures of a captured page (图片文字): models read them as `imageText` beside what the listing says itself.
///
/// They stand apart from the listing, whose fields, prices and times are what its platform said; a newer capture replaces them, an import never does.
enum PictureWords {
    /// A listing as the models read it: with the words of its pictures.
    static func merged(_ body: JSON, _ words: [String]) -> JSON {
        guard !words.isEmpty else { return body }
        let own = (body["imageText"]?.array ?? body["imageText"].map { [$0] } ?? []).compactMap(\.string)
        return body.setting("imageText", .array((own + words.filter { !own.contains($0) }).prefix(200).map(JSON.string)))
    }
    static func list(_ text: String) -> [String] { ((try? JSON(parsing: Array(text.utf8)))?.array ?? []).compactMap(\.string) }

    /// - Parameter payload: `url` that was asked for and `finalURL` where it led, `matter` for which it was captured, `words` (a text a picture), `evidence` (its number), `at`.
    static func take(_ payload: JSON, _ intake: Intake) async throws {
        let desk = intake.desk
        guard let url = payload["url"]?.string, !url.isEmpty else { return }
        func bare(_ address: String) -> Substring { address.prefix { $0 != "#" } }
        // A page that leads elsewhere speaks for itself alone: nobody else's listing is given its pictures.
        let stays = bare(url) == bare(payload["finalURL"]?.string ?? url)
        let words = (payload["words"]?.array ?? []).compactMap(\.string)
        let (matter, evidence) = (payload["matter"]?.int.map(Int64.init), payload["evidence"]?.string ?? "")
        let at = payload["at"]?.string.flatMap { Moment($0) } ?? desk.now
        let changed = try await desk.store.write { tx in
            let here: SQL = stays ? "i.url = \(url)" : "1 = 0"
            let rows = try tx.all(
                """
                SELECT i.id FROM monitoring_listings i WHERE \(here)
                OR i.id IN (SELECT l.listing FROM monitoring_leads l JOIN monitoring_captures c ON c.matter = l.matter WHERE l.matter = \(matter) AND c.url = \(url)) ORDER BY i.id LIMIT 20
                """)
            var changed: [Int64] = []
            for id in rows.map({ $0.int("id") }) {
                let old = try tx.one("SELECT at, words FROM monitoring_words WHERE listing = \(id)")
                // That another page has no such words says nothing of this one.
                guard old.map({ $0.moment("at") <= at }) ?? true, !words.isEmpty || (stays && old != nil) else { continue }
                let text = JSON.array(words.map(JSON.string)).text
                try tx.run(
                    """
                    INSERT INTO monitoring_words (listing, evidence, at, words) VALUES (\(id), \(evidence), \(at), \(text))
                    ON CONFLICT (listing) DO UPDATE SET evidence = \(evidence), at = \(at), words = \(text)
                    """)
                if old?.string("words") != text { changed.append(id) }
                // A shop that was told to correct is looked at again.
                for row in try tx.all(
                    "SELECT DISTINCT h.lead FROM monitoring_hits h JOIN casework_matters m ON m.id = h.lead WHERE h.listing = \(id) AND m.state = \(LeadMoves.notified)")
                {
                    try Jobs.add(LeadDesk.recheck, [("lead", .int(row.int("lead")))], at: desk.now, tx)
                }
            }
            return changed
        }
        try await intake.look(at: changed, by: "evidence \(evidence)")
    }
}
