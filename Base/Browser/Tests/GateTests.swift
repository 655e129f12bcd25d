import Browser
import Testing

@Suite struct GateTests {}
