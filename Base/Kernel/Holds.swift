extension String {
    /// Whether these very bytes stand in it. Cost: one pass over bytes, where `contains` compares characters.
    package func holds(_ needle: String) -> Bool {
        var (text, sought) = (self, needle)
        return text.withUTF8 { hay in
            sought.withUTF8 { pin in
                guard let first = pin.first else { return true }
                guard hay.count >= pin.count else { return false }
                for start in 0...(hay.count - pin.count) where hay[start] == first {
                    if pin.indices.allSatisfy({ hay[start + $0] == pin[$0] }) { return true }
                }
                return false
            }
        }
    }
}
