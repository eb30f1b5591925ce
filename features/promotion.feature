Feature: Promotion with eyes open
  With AUTO_PROMOTE=false, a new version waits until somebody decides for it; who decided what is on record.

  Scenario: A new version answers at once, unless it is told to wait
    Given version "v1" of model "default" was trained on healthy vehicles
    When I train version "v2" of model "default" on healthy vehicles
    And I score a reading of a healthy vehicle
    Then the verdict is by version "v2" of model "default"

  @candidates
  Scenario: A new version waits as a candidate
    Given new versions wait to be promoted
    And version "v1" of model "default" was trained on healthy vehicles
    And version "v1" was made the latest of model "default"
    When I train version "v2" of model "default" on healthy vehicles
    Then the answer says that it waits
    When I score a reading of a healthy vehicle
    Then the verdict is by version "v1" of model "default"
    And the candidates of model "default" are "v2"

  @candidates
  Scenario: What was promoted since is sent again
    Given new versions wait to be promoted
    When I train version "v1" of model "default" on healthy vehicles
    And I make version "v1" the latest of model "default"
    And I train version "v1" of model "default" on healthy vehicles
    Then the answer says that it answers, or on the queue what it said before

  @candidates
  Scenario: The very first version waits, too
    Given new versions wait to be promoted
    When I train version "v1" of model "default" on healthy vehicles
    And I score a reading of a healthy vehicle
    Then it is refused as "no-version-promoted", naming "v1"
    And it is said how to promote one

  @candidates
  Scenario: Promoting the first version
    Given new versions wait to be promoted
    And version "v1" of model "default" was trained on healthy vehicles
    When I make version "v1" the latest of model "default"
    And I score a reading of a healthy vehicle
    Then the verdict is by version "v1" of model "default"
    And model "default" has no candidates

  @candidates
  Scenario: A candidate can be scored with when it is named
    Given new versions wait to be promoted
    And version "v1" of model "default" was trained on healthy vehicles
    When I score a reading of a healthy vehicle with version "v1"
    Then the verdict is by version "v1" of model "default"

  Scenario: Who decided what is on record
    Given version "v1" of model "default" was trained on healthy vehicles
    And version "v2" of model "default" was trained on healthy vehicles
    When "ada" makes version "v1" the latest of model "default"
    And "grace" makes version "v2" the latest of model "default"
    And I ask who promoted versions of model "default"
    Then these changes are on record, the newest first
      | kind        | from | to | by      |
      | promotion   | v1   | v2 | grace   |
      | rollback    | v2   | v1 | ada     |
      | publication | v1   | v2 | trainer |
      | publication |      | v1 | trainer |

  Scenario: A refused promotion is not on record
    Given version "v1" of model "default" was trained on healthy vehicles
    When "ada" makes version "v9" the latest of model "default"
    Then it is refused as "unknown-model-version", naming "v9"
    When I ask who promoted versions of model "default"
    Then these changes are on record, the newest first
      | kind        | from | to | by      |
      | publication |      | v1 | trainer |

  Scenario: Of a model that nobody trained nothing is on record
    When I ask who promoted versions of model "trucks"
    Then it is refused as "unknown-model", naming "trucks"

  Scenario: What a candidate would answer differently
    Given version "v1" of model "default" was trained on healthy vehicles
    When I train version "v2" of model "default" on vehicles that run 10 degrees cooler
    And version "v2" of model "default" is compared with "v1"
    Then the comparison is on 100 readings of its own training
    And it says how many verdicts would differ, with examples
    And the examples name no vehicle

  Scenario: What a candidate would answer differently on readings of today
    Given version "v1" of model "default" was trained on healthy vehicles
    When I train version "v2" of model "default" on vehicles that run 10 degrees cooler
    And version "v2" of model "default" is compared with "v1" on 50 readings of healthy vehicles
    Then it says how many verdicts would differ, with examples
    And the examples name their vehicles

  Scenario: A version from before readings were kept
    Given version "v1" of model "default" was trained before readings were kept
    When version "v1" of model "default" is compared with "v1"
    Then it is refused as "no-training-sample", naming "send readings"

  Scenario: Versions whose signals have nothing in common
    Given version "v1" of model "default" was trained before readings were kept
    When I train version "v2" of model "default" on healthy vehicles
    And version "v2" of model "default" is compared with "v1"
    Then it is refused as "incomparable-versions", naming "v1"
