Feature: Learning what is normal
  A fleet engineer hands over a batch of telemetry from healthy vehicles. The service learns from it and
  keeps what it learnt as a version that never changes.

  Scenario: A batch becomes the version that answers
    When I train on 120 readings of healthy vehicles
    Then a new version of model "default" is published
    And it says it was trained on 120 readings of 3 features
    And that version is the latest of model "default"

  Scenario: I name the version myself
    When I train version "2026-w47" of model "vans" on 60 readings of healthy vehicles
    Then version "2026-w47" of model "vans" is published
    And that version is the latest of model "vans"

  Scenario: Each fleet has a model of its own
    Given version "v1" of model "vans" was trained on healthy vehicles
    When I train version "v1" of model "trucks" on 60 readings of healthy vehicles
    Then version "v1" of model "trucks" is published
    And the models are "trucks, vans"

  Scenario: Sensors that miss a reading now and then
    When I train on 60 readings of healthy vehicles, 5 of them without "coolant_temperature_celsius"
    Then a new version of model "default" is published
    And it says that 5 readings had a missing value

  Scenario: A sensor that never sent anything
    When I train on 60 readings of healthy vehicles, 60 of them without "coolant_temperature_celsius"
    Then it is refused as "feature-without-values", naming "features.coolant_temperature_celsius"
    And there is no model

  Scenario: Readings by sensor name
    When I train on readings by name
    Then a new version of model "default" is published
    And it says its features are "engine_speed_rpm, vehicle_speed_kmh, coolant_temperature_celsius"

  Scenario: The same batch sent twice is one version
    Given I trained version "v1" of model "default" on 60 readings of healthy vehicles
    When I train version "v1" of model "default" on the same readings again
    Then version "v1" of model "default" is published
    And it was trained when it was first sent
    And model "default" has 1 version

  Scenario: A version never changes
    Given I trained version "v1" of model "default" on 60 readings of healthy vehicles
    When I train version "v1" of model "default" on 61 readings of healthy vehicles
    Then it is refused as "version-exists", naming "v1"
    And version "v1" of model "default" still says it was trained on 60 readings
