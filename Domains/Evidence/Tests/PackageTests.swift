import Evidence
import Testing
@Suite struct PackageTests {}
