Feature: Scoring new readings
  The service says of each reading whether something is wrong, by the version that is the latest or by one
  that the caller names.

  Background:
    Given version "v1" of model "default" was trained on healthy vehicles

  Scenario: A healthy vehicle
    When I score a reading of a healthy vehicle
    Then nothing is wrong
    And the verdict is by version "v1" of model "default"

  Scenario: A vehicle far from anything that was learnt
    When I score a reading with "engine_speed_rpm" 9000, "vehicle_speed_kmh" 3 and "coolant_temperature_celsius" 131
    Then something is wrong

  Scenario: Scores are scikit-learn's
    When I score 200 readings of all kinds at once
    Then the scores and labels are those that scikit-learn gives

  Scenario: Verdicts come in the order of the readings
    When I score 50 readings of all kinds at once
    Then there is one verdict per reading, in order

  Scenario: A missing reading is told
    When I score a reading of a healthy vehicle without "coolant_temperature_celsius"
    Then the verdict says that "coolant_temperature_celsius" is missing

  Scenario: A sensor left out is a missing reading
    When I score a reading by name without "vehicle_speed_kmh"
    Then the verdict says that "vehicle_speed_kmh" is missing

  Scenario: A time without an offset is UTC
    When I score a reading of a healthy vehicle taken at "2026-11-22T10:00:00"
    Then the verdict is for "2026-11-22T10:00:00Z"

  Scenario: A time comes back as it was sent
    When I score a reading of a healthy vehicle taken at "2026-11-22T12:00:00.100+02:00"
    Then the verdict is for "2026-11-22T12:00:00.100+02:00"

  Scenario: By a version that is not the latest
    Given version "v2" of model "default" was trained on healthy vehicles
    When I score a reading of a healthy vehicle by version "v1"
    Then the verdict is by version "v1" of model "default"

  Scenario: A model that nobody trained
    When I score a reading of a healthy vehicle by model "trucks"
    Then it is refused as "unknown-model", naming "not available"

  Scenario: A version that nobody trained
    When I score a reading of a healthy vehicle by version "v9"
    Then it is refused as "unknown-model-version", naming "v9"
